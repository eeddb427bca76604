'use strict';
// A Map, a linked list, an array whose members a second collection holds as well, and a big Buffer.
const v8 = require('v8');

class Entry { // @Entry
  constructor(id) { this.id = id; this.text = `entry number ${id}`.padEnd(60); }
}
class Link {
  constructor(id, next) { this.payload = `payload ${id}`; this.next = next; }
}
class Shared {
  constructor(id) { this.body = Array.from({ length: 30 }, (_, k) => `b${id}-${k}`); }
}
const cache = new Map(); // @cache
for (let i = 0; i < 25000; i++) cache.set(`key${i}`, new Entry(i));
let head = null; // @head
for (let i = 0; i < 60000; i++) head = new Link(i, head);
const byId = []; // @byId
const byName = new Map();
for (let i = 0; i < 7000; i++) {
  const one = new Shared(i);
  byId.push(one);
  byName.set(`n${i}`, one);
}
const frames = { image: Buffer.alloc(9000000) }; // @frames
globalThis.keep = () => [cache, head, byId, byName, frames];
v8.writeHeapSnapshot(process.argv[2]);
