'use strict';
const products = {};

function load(id) {
  return { id, name: `Product ${id}`, variants: [`${id}-s`, `${id}-m`, `${id}-l`], price: 5 + (id % 90) };
}

// The catalogue has 5,000 products and fits into memory.
exports.product = (id) => products[id] || (products[id] = load(id));
exports.loaded = () => Object.keys(products).length;
