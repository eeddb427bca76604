'use strict';

// Heaps of different shapes, to compare predictions with what snapshots cost.
// As a program: `node snapshot-shapes.cjs SHAPE MEGABYTES FOLDER` prints `{shape, predicted, actual}`.

const fs = require('node:fs');
const v8 = require('node:v8');

class User {
  constructor(id) {
    this.id = id;
    this.name = `user ${id}`;
    this.tags = [`a${id % 7}`, `b${id}`];
    this.at = new Date(id);
    this.meta = { active: id % 2 === 0, score: id * 1.5, next: null };
  }
}

class Order {
  constructor(id) {
    this.id = id;
    this.lines = [{ sku: `s${id % 100}`, count: id }, { sku: `t${id % 50}`, count: 2 }];
    this.total = id * 3.3;
  }
}

// A generator of words, the same in every run.
let seed = 42;
function word() {
  seed = (seed * 1103515245 + 12345) & 0x7fffffff;
  return (seed / 64).toString(36);
}

function text(length) {
  let all = '';
  while (all.length < length) all += word();
  // Flat: through a buffer, not as a tree of concatenations.
  return Buffer.from(all.slice(0, length), 'latin1').toString('latin1');
}

const kept = [];
const holder = { head: null, map: new Map(), set: new Set(), table: Object.create(null) };

/** Shape → what makes one entry of it. The first group is what services have. */
const SHAPES = {
  api(i) {
    kept.push(new User(i), new Order(i));
    if (i % 3 === 0) {
      const request = { path: `/api/x/${i}`, headers: { host: 'h', accept: '*/*', cookie: `c${i}` }, list: [1, 2, 3, i] };
      kept.push(JSON.parse(JSON.stringify(request)));
    }
    if (i % 5 === 0) kept.push(new Map([[`k${i}`, { value: i }], ['z', i]]));
    if (i % 7 === 0) kept.push(() => i);
    if (i % 11 === 0) kept.push(text(400));
  },
  sessions(i) {
    const cart = Array.from({ length: 5 }, (_, n) => ({ sku: `sku${n}`, count: n, price: n * 1.1 }));
    kept.push({ id: `session-${i}`, user: new User(i), cart, seen: new Set([i, i + 1]), payload: text(100) });
  },
  nested: (i) => kept.push({ id: i, tags: [`x${i}`, 'y'], value: { inner: { last: i } } }),
  linked(i) {
    holder.head = { id: i, name: `n${i}`, tags: [i], next: holder.head };
  },
  map: (i) => holder.map.set(`key${i}`, { value: i }),
  maps: (i) => kept.push(new Map([[i, { i }], [`k${i}`, i]])),
  closures(i) {
    const captured = { i };
    kept.push(() => captured);
  },
  promises: (i) => kept.push(new Promise(() => {}).then(() => i)),
  texts: (i) => kept.push({ id: i, text: text(600) }),
  code: (i) => kept.push(new Function('a', `const x${i} = a + ${i}; return function inner(q) { return q * x${i}; };`)),
  // What services seldom have in this purity.
  small: (i) => kept.push({ a: i }),
  dates: (i) => kept.push(new Date(i)),
  set: (i) => holder.set.add({ value: i }),
  dictionary(i) {
    holder.table[`key_${i}`] = { count: i };
  },
  ropes: (i) => kept.push(`aaaaaaaaaaaaaaaa${i}bbbbbbbbbbbbbbbbbbbb`),
  strings: () => kept.push(text(10_000)),
  doubles: (i) => kept.push(Array.from({ length: 1000 }, (_, n) => n + i + 0.5)),
  buffers: () => kept.push(Buffer.alloc(64 * 1024, 1)),
  empty() {},
};

/** Fill the heap with one shape, up to `bytes` in use, and leave some garbage on top. */
function fill(shape, bytes) {
  const make = SHAPES[shape];
  const used = () => (shape === 'buffers' ? process.memoryUsage().arrayBuffers : v8.getHeapStatistics().used_heap_size);
  for (let i = 0; shape !== 'empty' && used() < bytes; ) {
    for (let n = 0; n < 50; n += 1) make(i++);
  }
  for (let n = 0; n < 100_000; n += 1) ({ garbage: n });
}

async function main([shape, megabytes, folder]) {
  const { take } = require('../lib/snapshot/index.cjs');
  const { lockPath } = require('../lib/snapshot/lock.cjs');
  // A lock of its own: several of these may run at once.
  const service = `shape_${process.pid}`;
  fill(shape, Number(megabytes) * 1e6);
  // The peak of filling would hide that of the snapshot.
  if (process.platform === 'linux') fs.writeFileSync('/proc/self/clear_refs', '5');
  const { path: file, sidecar, predicted, ...actual } = await take({ dir: folder, service, force: true });
  fs.rmSync(`${lockPath(service)}.last`, { force: true });
  fs.rmSync(file);
  fs.rmSync(sidecar);
  process.stdout.write(`${JSON.stringify({ shape, predicted, actual })}\n`);
}

if (require.main === module) main(process.argv.slice(2));

module.exports = { SHAPES, fill };
