'use strict';

const { serve } = require('../serve.js');

const PATIENCE_MS = 50;

class Transfer {
  constructor(number) {
    this.number = number;
    this.booking = { account: `account-${number}`, lines: new Array(20).fill(number) };
  }
}

const waitingForBank = new Set();
let transfers = 0;

async function book(transfer) {
  let resolver;
  const answer = new Promise((resolve) => {
    resolver = () => resolve(false);
    waitingForBank.add(resolver);
  });
  const timer = setTimeout(resolver, PATIENCE_MS);
  transfer.booked = await answer;
  clearTimeout(timer);
  waitingForBank.delete(resolver);
}

serve(() => {
  transfers += 1;
  void book(new Transfer(transfers));
  return { transfer: transfers };
});
