'use strict';

const { serve } = require('../serve.js');

class Transfer {
  constructor(number) {
    this.number = number;
    this.booking = { account: `account-${number}`, lines: new Array(20).fill(number) };
  }
}

const waitingForBank = [];
let transfers = 0;

// The bank's confirmation never comes, and nothing gives up on it.
async function book(transfer) {
  await new Promise((resolve) => waitingForBank.push(resolve));
  transfer.booked = true;
}

serve(() => {
  transfers += 1;
  void book(new Transfer(transfers));
  return { transfer: transfers };
});
