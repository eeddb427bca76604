'use strict';
let table = new Map();
exports.intern = (s) => {
  const known = table.get(s);
  if (known !== undefined) return known;
  if (table.size >= 500) table = new Map();
  table.set(s, s);
  return s;
};
exports.size = () => table.size;
