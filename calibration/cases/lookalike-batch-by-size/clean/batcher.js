'use strict';

class Batcher {
  constructor(flush, { size = 3500, everyMs = 20000 } = {}) {
    this.flushTo = flush;
    this.size = size;
    this.everyMs = everyMs;
    this.items = [];
    this.timer = null;
  }

  add(item) {
    this.items.push(item);
    if (this.items.length >= this.size) this.flush();
    else if (!this.timer) this.timer = setTimeout(() => this.flush(), this.everyMs);
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = null;
    const batch = this.items;
    this.items = [];
    this.flushTo(batch);
  }
}

let stored = 0;
exports.rows = new Batcher((batch) => { stored += batch.length; });
exports.stored = () => stored;
