'use strict';

class Trail {
  constructor(max) {
    this.max = max;
    this.length = 0;
    this.first = null;
    this.last = null;
  }

  append(text) {
    const node = { text, at: this.length, next: null };
    if (this.last) this.last.next = node;
    else this.first = node;
    this.last = node;
    if (++this.length > this.max) {
      this.first = this.first.next;
      this.length--;
    }
  }
}

module.exports = new Trail(2500);
