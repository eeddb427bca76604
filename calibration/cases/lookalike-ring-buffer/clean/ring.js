'use strict';

class RingBuffer {
  constructor(capacity) {
    this.capacity = capacity;
    this.items = [];
    this.start = 0;
  }

  push(item) {
    if (this.items.length < this.capacity) {
      this.items.push(item);
    } else {
      this.items[this.start] = item;
      this.start = (this.start + 1) % this.capacity;
    }
  }

  *[Symbol.iterator]() {
    for (let i = 0; i < this.items.length; i++) yield this.items[(this.start + i) % this.items.length];
  }
}

const recent = new RingBuffer(4096);
exports.trace = (event, data) => recent.push({ event, data, at: process.uptime() });
exports.dump = () => [...recent];
