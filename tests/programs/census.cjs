'use strict';
// Known numbers of live resources, and memory wasted in known ways. Writes the snapshot its argument names.
const { EventEmitter } = require('events');
const net = require('net');
const v8 = require('v8');
const vm = require('vm');

const text = (bytes, fill) => Buffer.alloc(bytes, fill).toString('latin1');

class Ctx {
  constructor(id) { this.id = id; this.text = `ctx-${id}`; }
}

// Listeners
const bus = new EventEmitter();
bus.setMaxListeners(0);
function subscribe(ctx) {
  bus.on('tick', function onTick() { return ctx; }); // @onTick
}
for (let i = 0; i < 321; i++) subscribe(new Ctx(i));
for (let i = 0; i < 40; i++) bus.once('done', function onDone() {}); // @onDone
bus.on('ready', function onReady() {}); // @onReady
class Conn extends EventEmitter {
  constructor() { super(); this.tags = []; this.on('close', function onClose() {}); } // @onClose
}
const connections = Array.from({ length: 60 }, () => new Conn());
const target = new EventTarget();
for (let i = 0; i < 57; i++) target.addEventListener('change', function onChange() { return i; }); // @onChange
const controller = new AbortController();
for (let i = 0; i < 33; i++) controller.signal.addEventListener('abort', () => i); // @onAbort

// Timers
function beat(ctx) {
  setInterval(function heartbeat() { return ctx.id; }, 60000).unref(); // @heartbeat
}
for (let i = 0; i < 45; i++) beat(new Ctx(i));
for (let i = 0; i < 23; i++) setTimeout(function retry() { return i; }, 120000).unref(); // @retry
const cleared = [];
for (let i = 0; i < 11; i++) cleared.push(setInterval(function gone() {}, 5000));
cleared.forEach(clearInterval);

// Promises and async functions that wait forever
const waiters = [];
function waitFor(ctx) {
  return new Promise((resolve) => waiters.push({ ctx, resolve })).then(function afterWait() { return ctx; }); // @afterWait
}
for (let i = 0; i < 77; i++) waitFor(new Ctx(i));
const never = new Promise((resolve) => { globalThis.release = resolve; });
async function loadUser(id) { // @loadUser
  const local = `local-${id}`;
  await never;
  return local;
}
async function handler(id) {
  return [await loadUser(id), new Ctx(id)];
}
async function lonely(id) { // @lonely
  await never;
  return id;
}
const results = Array.from({ length: 41 }, (_, i) => handler(i));
for (let i = 0; i < 9; i++) results.push(lonely(i));
function* counter(id) { yield id; }
const generators = Array.from({ length: 13 }, (_, i) => { const one = counter(i); one.next(); return one; });
const settled = Array.from({ length: 19 }, (_, i) => Promise.resolve(new Ctx(i)));

// Scopes and contexts
const functions = [];
function makeScope(id) {
  const payload = text(500, `${id}`);
  const other = { id };
  functions.push(function inner() { return payload + other.id; }); // @inner
}
for (let i = 0; i < 88; i++) makeScope(i);
const contexts = Array.from({ length: 3 }, (_, i) => vm.createContext({ i }));

// Waste
const repeated = Array.from({ length: 500 }, () => text(28, 'duplicate content number one'));
const similar = Array.from({ length: 20 }, (_, i) => text(2000 + 8 * i, 'same beginning'));
const cut = Array.from({ length: 20 }, () => text(3000, 'equal to the last'));
const joined = Array.from({ length: 300 }, (_, i) => `user:${'x'.repeat(20)}:${i % 3 ? 'odd' : 'even'}`);
const big = text(300000, 'big');
const slices = Array.from({ length: 10 }, (_, i) => text(50000, `parent ${i}`).slice(10, 40));
const bigBuffer = Buffer.alloc(3000000);
const bytes = new ArrayBuffer(2000000);
const perPool = Math.floor(Buffer.poolSize / 4000) + 1;
const pins = [];
for (let i = 0; i < 30; i++) {
  pins.push(Buffer.from(`pin ${i}`));
  for (let k = 0; k < perPool; k++) Buffer.allocUnsafe(4000);
}
const empties = Array.from({ length: 100 }, () => ({ byId: new Map(), seen: new Set(), list: [] }));
const numbers = Array.from({ length: 100 }, (_, i) => new Map(Array.from({ length: 9 }, (_, k) => [k, i])));
const sparse = Array.from({ length: 20 }, (_, i) => { const list = [new Ctx(i)]; list[5000000 + i] = new Ctx(i); return list; });

globalThis.kept = {
  bus, connections, target, controller, cleared, waiters, never, results, generators, settled, functions, contexts,
  repeated, similar, cut, joined, big, slices, bigBuffer, bytes, pins, empties, numbers, sparse,
};

// Sockets
const server = net.createServer(() => {});
function connect() {
  return new Promise((resolve) => {
    const socket = net.connect(server.address().port, '127.0.0.1', () => resolve(socket));
  });
}
server.listen(0, '127.0.0.1', async () => {
  globalThis.open = [];
  for (let i = 0; i < 12; i++) globalThis.open.push(await connect());
  globalThis.closed = [];
  for (let i = 0; i < 4; i++) {
    const socket = await connect();
    globalThis.closed.push(socket);
    await new Promise((resolve) => { socket.on('close', resolve); socket.destroy(); });
  }
  setTimeout(() => { // a while, for the server to see the four go
    v8.writeHeapSnapshot(process.argv[2]);
    process.exit(0);
  }, 200);
});
