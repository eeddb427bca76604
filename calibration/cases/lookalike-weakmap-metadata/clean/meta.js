'use strict';
const metadata = new WeakMap();

exports.annotate = (node, facts) => {
  const known = metadata.get(node);
  if (known) Object.assign(known, facts);
  else metadata.set(node, { node, ...facts, notes: [] });
};
exports.of = (node) => metadata.get(node);
