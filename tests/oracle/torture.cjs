// Fills a heap with what is hard to get right and writes a snapshot: torture.cjs [OPTIONS AS JSON] FILE
'use strict';
const v8 = require('node:v8');
const vm = require('node:vm');
const { Worker } = require('node:worker_threads');
const keep = (globalThis.keep = {});

// WeakMaps that share keys and values, chains where one's value is the next one's key, one nobody holds.
const key = { name: 'shared key' };
const maps = Array.from({ length: 4 }, () => new WeakMap());
keep.maps = maps;
keep.key = key;
for (const map of maps) map.set(key, { of: map });
const both = { held: 'by two tables' };
maps[0].set(keep, both);
maps[1].set(keep, both);
let link = key;
for (let i = 0; i < 200; i++) {
  const next = { i };
  maps[i % 4].set(link, next);
  link = next;
}
keep.last = new WeakRef(link);
new WeakMap().set(key, { unreachable: 'table' });
maps[2].set({ dead: 'key' }, { dead: 'value' });
keep.weakSet = new WeakSet([key, both]);
keep.registry = new FinalizationRegistry(() => {});
keep.registry.register(both, { holdings: 1 }, key);

// Strings: joined, cut, long, sliced, not ASCII, halves of pairs, odd property names.
let joined = 'a';
for (let i = 0; i < 400; i++) joined = (i % 2 ? joined + 'piece ' + i : 'lead ' + joined);
keep.strings = [joined, 'x'.repeat(5000), 'y'.repeat(3000).slice(10, 2900), 'né 😀 \ud800 \u2028', '"quoted" \\ \n\t\x7f'];
keep.odd = [1, 2, 3].map(() => ({ 'a, b': {}, "it's": {}, '{x}': {}, '"': {}, '': {}, 'né 😀': {}, [Symbol('s')]: {}, [Symbol('s')]: {} }));

// Plain objects: shapes, sub-shapes, dictionaries, many and long names.
const v = () => ({});
keep.shapes = [];
for (let i = 0; i < 30; i++) keep.shapes.push({ a: v(), b: v() }, { b: v(), a: v() }, { a: v(), b: v(), c: v() }, { c: v() }, {});
for (let i = 0; i < 30; i++) keep.shapes.push(Object.fromEntries(Array.from({ length: i }, (_, k) => [`property_number_${k}`, v()])));
keep.dictionary = {};
for (let i = 0; i < 3000; i++) keep.dictionary[`k${i * 7}`] = v();
for (let i = 0; i < 3000; i += 2) delete keep.dictionary[`k${i * 7}`];

// Classes of one name at different places, private fields, accessors, closures that share contexts.
const make = () => class Twin { #hidden = v(); get got() { return this.#hidden; } };
const A = make();
const B = class Twin { constructor() { this.x = v(); } };
keep.twins = [new A(), new A(), new B(), new (make())()];
const closures = [];
for (let i = 0; i < 20; i++) { const big = new Array(i).fill(v()); closures.push(() => big, () => i); }
keep.closures = closures;
keep.bound = closures.map((f) => f.bind(key, both));

// Collections, buffers, generators, promises, proxies, numbers, other realms.
keep.map = new Map(Array.from({ length: 500 }, (_, i) => [{ k: i }, { v: i }]));
keep.set = new Set(keep.map.keys());
keep.buffers = [Buffer.alloc(10), Buffer.alloc(100000), new Float64Array(1000), new SharedArrayBuffer(64), new DataView(new ArrayBuffer(99))];
keep.view = new Uint8Array(keep.buffers[2].buffer, 8, 16);
keep.generators = [(function* () { yield key; })(), (async function* () { yield 1; })()];
keep.generators[0].next();
keep.promise = new Promise(() => {}).then(() => both);
keep.proxy = new Proxy(key, { get: () => both });
keep.numbers = [1.5, 1n << 200n, -0, NaN, 2 ** 40];
keep.regexps = [/a(?<n>b)/u, new RegExp('x'.repeat(50))];
keep.realm = vm.createContext({ inner: { of: 'realm' } });
vm.runInContext('globalThis.list = [1, {a: inner}]; function named() { return list; }', keep.realm);
keep.array = [, , 1, {}];
keep.array.extra = v();
keep.date = new Date(0);
keep.error = new Error('with a stack', { cause: both });
keep.emitter = new (require('node:events'))().on('x', () => key);
keep.timer = setInterval(() => key, 1e6);
keep.timer.unref();

// A list so deep that recursion would fail, with a second way to its middle.
let head = null;
for (let i = 0; i < 20000; i++) { head = { next: head }; if (i === 10000) keep.middle = head; }
keep.list = head;

const [options, file] = process.argv.length > 3 ? [JSON.parse(process.argv[2]), process.argv[3]] : [{}, process.argv[2]];
if (options.bigBufferBytes) keep.big = new ArrayBuffer(options.bigBufferBytes);
const worker = new Worker('setInterval(() => {}, 1e6)', { eval: true });
worker.once('online', () => setTimeout(() => {
  v8.writeHeapSnapshot(file, options.heap);
  process.exit(0);
}, 20));
