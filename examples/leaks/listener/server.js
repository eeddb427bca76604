'use strict';

const { EventEmitter } = require('node:events');
const { serve } = require('../serve.js');

const stock = new EventEmitter();
// Silences the one warning that would have told.
stock.setMaxListeners(0);

class Order {
  constructor(number) {
    this.number = number;
    this.lines = Array.from({ length: 10 }, (_, line) => ({ line }));
  }

  refresh() {
    this.refreshedAt = Date.now();
  }
}

let orders = 0;

serve(() => {
  orders += 1;
  const order = new Order(orders);
  stock.on('changed', () => order.refresh());
  return { order: order.number };
});
