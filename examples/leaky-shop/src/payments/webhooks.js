'use strict';

// Resolved by the bank's webhook. The bank calls back only for transfers that arrive, and most never do.
const pendingTransfers = [];

class Transfer {
  constructor(order, resolve) {
    this.reference = `T-${order.basket}`;
    this.slip = Buffer.alloc(1024, this.reference);
    this.resolve = resolve;
  }
}

function confirmTransfer(order) {
  return new Promise(function waitForWebhook(resolve) {
    pendingTransfers.push(new Transfer(order, resolve));
  });
}

function onWebhook(reference) {
  const at = pendingTransfers.findIndex((transfer) => transfer.reference === reference);
  if (at >= 0) pendingTransfers.splice(at, 1)[0].resolve();
}

module.exports = { confirmTransfer, onWebhook };
