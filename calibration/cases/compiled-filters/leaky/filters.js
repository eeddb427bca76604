'use strict';

const compiled = new Map();

function compile(expression) {
  let fn = compiled.get(expression);
  if (!fn) {
    fn = new Function('row', `"use strict"; return (${expression});`);
    compiled.set(expression, fn);
  }
  return fn;
}

exports.query = (rows, { minPrice, owner }) =>
  rows.filter(compile(`row.price >= ${minPrice} && row.owner === ${JSON.stringify(owner)}`));
exports.size = () => compiled.size;
