'use strict';

class LruCache {
  constructor(max) {
    this.max = max;
    this.entries = new Map();
  }

  get(key) {
    const hit = this.entries.get(key);
    if (hit === undefined) return undefined;
    this.entries.delete(key);
    this.entries.set(key, hit);
    return hit.value;
  }

  set(key, value) {
    this.entries.set(key, { value, storedAt: Date.now() });
    if (this.entries.size > this.max) {
      const oldest = this.entries.entries().next().value;
      this.entries.delete(oldest);
    }
  }
}

module.exports = { LruCache };
