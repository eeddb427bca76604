'use strict';
const inflight = new Map();

function load(id) {
  return new Promise((resolve) => setTimeout(resolve, 400, { id, body: 'b'.repeat(30) + id }));
}

exports.get = (id) => {
  if (!inflight.has(id)) inflight.set(id, load(id).finally(() => inflight.delete(id)));
  return inflight.get(id);
};
exports.size = () => inflight.size;
