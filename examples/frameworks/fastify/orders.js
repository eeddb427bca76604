'use strict';

const LEAK = process.env.LEAK === '1';

class Order {
  constructor(id, number) {
    this.id = id;
    this.number = number;
    this.lines = [`article ${number}`, `delivery of order ${number}`];
  }
}

// The leak: every order that was ever asked for stays here.
const ordersSeen = new Map();
let count = 0;

function orderById(id) {
  count += 1;
  const order = new Order(id ?? 'none', count);
  if (LEAK) ordersSeen.set(count, order);
  return order;
}

module.exports = { orderById };
