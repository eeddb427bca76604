'use strict';
const table = Object.create(null);
let next = 0;
exports.symbol = (name) => (table[name] ??= { name, id: next++, uses: 0 });
exports.count = () => next;
