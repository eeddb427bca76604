'use strict';
const MAX_DOCS = 400;

function createStore() {
  const docs = new Map();
  let writes = 0;
  let dropped = 0;

  function put(id, doc) {
    docs.set(id, doc);
    writes += 1;
    if (writes > MAX_DOCS) {
      const first = docs.keys().next().value;
      docs.delete(first);
      dropped += 1;
    }
  }

  // Called by the stats endpoint.
  function stats() {
    const out = { writes, dropped };
    writes = 0;
    dropped = 0;
    return out;
  }

  return { put, stats, get: (id) => docs.get(id), count: () => docs.size };
}

exports.store = createStore();
