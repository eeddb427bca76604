'use strict';
const table = new Map();
exports.intern = (s) => {
  const known = table.get(s);
  if (known !== undefined) return known;
  table.set(s, s);
  return s;
};
exports.size = () => table.size;
