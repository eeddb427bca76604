'use strict';
// Two snapshots of one process between which known numbers of objects come and go.
const v8 = require('v8');

class Kept {
  constructor(id) { this.label = { id }; }
}
class Gone {
  constructor(id) { this.label = { id }; }
}
class Made {
  constructor(id) { this.label = { id }; }
}
const list = [];
globalThis.list = list;
for (let i = 0; i < 50; i++) list.push(new Kept(i));
const gone = [];
for (let i = 0; i < 30; i++) gone.push(new Gone(i));
globalThis.gone = gone;
globalThis.first = Array.from({ length: 40 }, (_, i) => ({ alpha: `a${i}`, beta: `b${i}` }));
v8.writeHeapSnapshot(process.argv[2]);
globalThis.gone = gone.slice(0, 5);
gone.length = 0;
for (let i = 0; i < 70; i++) list.push(new Made(i));
globalThis.first.length = 25;
v8.writeHeapSnapshot(process.argv[3]);
