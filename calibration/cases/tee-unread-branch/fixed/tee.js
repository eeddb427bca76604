'use strict';
// Splits one async source into several readers; each reads at its own pace.
function tee(source, count) {
  const it = source[Symbol.asyncIterator]();
  let tail = { next: null, value: null };

  async function advance(node) {
    if (!node.next) {
      const fresh = { next: null, value: await it.next() };
      if (!node.next) node.next = tail = fresh;
    }
    return node.next;
  }

  return Array.from({ length: count }, () => {
    let at = tail;
    return {
      async next() {
        at = await advance(at);
        return at.value;
      },
      [Symbol.asyncIterator]() { return this; },
    };
  });
}

// One branch feeds the dashboard; the archive joins once it is switched on.
exports.connect = (source) => {
  const [dashboard] = tee(source, 1);
  return { dashboard, archive: null };
};
