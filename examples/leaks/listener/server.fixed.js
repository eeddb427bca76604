'use strict';

const { EventEmitter } = require('node:events');
const { serve } = require('../serve.js');

const stock = new EventEmitter();

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
  const refresh = () => order.refresh();
  stock.on('changed', refresh);
  try {
    return { order: order.number };
  } finally {
    stock.off('changed', refresh);
  }
});
