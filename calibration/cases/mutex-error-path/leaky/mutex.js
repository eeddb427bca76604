'use strict';

class Mutex {
  constructor() {
    this.locked = false;
    this.waiters = [];
  }

  async acquire() {
    if (!this.locked) {
      this.locked = true;
      return;
    }
    await new Promise((resolve) => this.waiters.push(resolve));
  }

  release() {
    const next = this.waiters.shift();
    if (next) next();
    else this.locked = false;
  }
}

const accounts = new Map();

async function transfer(account, amount) {
  let mutex = accounts.get(account);
  if (!mutex) accounts.set(account, (mutex = new Mutex()));
  await mutex.acquire();
  if (amount <= 0) throw new RangeError('amount must be positive');
  await null;
  mutex.release();
  return amount;
}

module.exports = { transfer };
