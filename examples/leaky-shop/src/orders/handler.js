'use strict';

const { bus } = require('../events/bus');
const { confirmTransfer } = require('../payments/webhooks');

class Order {
  constructor(basket) {
    this.basket = basket;
    this.placedAt = Date.now();
    this.items = Array.from({ length: 12 }, (_, i) => ({ sku: `${basket}/${i}`, stock: i }));
  }

  refreshStock() {
    for (const item of this.items) item.stock += 1;
  }
}

function watchStock(order) {
  bus.on('stock-changed', function onStockChanged() {
    order.refreshStock();
  });
}

async function placeOrder(basket, pay) {
  const order = new Order(basket);
  watchStock(order);
  if (pay === 'transfer') {
    confirmTransfer(order).then(function afterTransfer() {
      order.paid = true;
    });
  }
  return { basket, items: order.items.length };
}

module.exports = { placeOrder };
