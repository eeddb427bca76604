'use strict';

const compiled = new Map();

function compile(expression) {
  let fn = compiled.get(expression);
  if (!fn) {
    fn = new Function('row', 'p', `"use strict"; return (${expression});`);
    compiled.set(expression, fn);
  }
  return fn;
}

exports.query = (rows, { minPrice, owner }) => {
  const test = compile('row.price >= p.minPrice && row.owner === p.owner');
  return rows.filter((row) => test(row, { minPrice, owner }));
};
exports.size = () => compiled.size;
