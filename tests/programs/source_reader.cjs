'use strict';

const v8 = require('node:v8');

// CACHE: one per locale
const templates = new Map();
const waiting = [];

class Store {
  #items = new Map();
  seen = new Set(); // heapsleuth: ignore

  put(key, value) {
    this.#items.set(key, value);
    this.seen.add(key);
    if (this.#items.size > 500) this.#items.delete(this.#items.keys().next().value);
  }
}

globalThis.store = new Store();
globalThis.store.put('a', 1);
globalThis.keep = [
  (name) => templates.set(name, {}),
  (job) => waiting.push(job), // heapsleuth: ignore jobs are few
];
globalThis.built = require('./built.cjs');

v8.writeHeapSnapshot(process.argv[2]);
