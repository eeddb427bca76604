'use strict';
// Twelve ways to leak and seven ways only to look like it, in one process: three snapshots, with
// WORK operations between them. Lines that declare or fill a holder end in a marker that tests read.
const { EventEmitter } = require('node:events');
const v8 = require('node:v8');
const path = require('node:path');

const out = process.argv[2];
const WORK = 400;

class Report { constructor(i) { this.i = i; this.body = 'report ' + i; } }
class Session { constructor(i) { this.i = i; } }
class Row { constructor(i) { this.i = i; } }

// --- leaks
const reports = new Map(); // @reports
const byName = {}; // @byName
const audit = []; // @audit
const seen = new Set(); // @seen
const bus = new EventEmitter(); // @bus
bus.setMaxListeners(0);
const target = new EventTarget(); // @target
const waiters = []; // @waiters
const shutdown = new Promise(() => {}); // @shutdown
class Repository { static cache = new Map(); } // @statics
let list = null; // @list
let text = ''; // @text
const hooks = [() => {}]; // @hooks
const chunks = []; // @chunks
function subscribe(i) { bus.on('change', function onChange() { return i; }); } // @onChange
function poll(i) { setInterval(function pollTick() { return i; }, 60000).unref(); } // @pollTick
function wait(i) { return new Promise((resolve) => { waiters.push({ i, resolve }); }); }
async function work(i) { await shutdown; return i; } // @work

// --- innocents
const lru = new Map();
const ring = new Array(100).fill(null);
const sessions = [];
const config = [];
let state = { version: 0, items: [] };
let current = null;
const pool = [];

function operation(i) {
  reports.set(`key-${i}`, new Report(i));
  byName[`name ${i}`] = { i };
  audit.push({ at: i, who: 'me' });
  seen.add({ id: i });
  subscribe(i);
  target.addEventListener('change', () => i);
  if (i % 4 === 0) poll(i);
  if (i % 2 === 0) wait(i);
  if (i % 5 === 0) work(i);
  Repository.cache.set(i, { cached: i });
  list = { next: list, value: new Row(i) };
  text += `line ${i} with enough text to matter\n`;
  const big = { i };
  hooks.push(() => big);
  if (i % 8 === 0) chunks.push(Buffer.alloc(4096));

  lru.set(i, new Session(i)); if (lru.size > 100) lru.delete(lru.keys().next().value);
  ring[i % 100] = { i };
  sessions.push(new Session(i)); if (sessions.length > 50) sessions.shift();
  state = { version: i, items: state.items };
  current = { request: i };
  if (pool.length < 20) pool.push({ slot: i });
  if (i < 2 * WORK && i % 2) config.push(new Row(i));
}

let done = 0;
async function round(name) {
  for (let i = 0; i < WORK; i++) operation(done++);
  for (let i = 0; i < 4; i++) { global.gc?.(); await new Promise((r) => setImmediate(r)); }
  v8.writeHeapSnapshot(path.join(out, `${name}.heapsnapshot`));
}
(async () => {
  await round('A'); await round('B'); await round('C');
  global.__keep = { current, target };
  process.exit(0);
})();
