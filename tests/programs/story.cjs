'use strict';
// Leaks whose stories are told: one cause in several holders, members held twice, keys that are data,
// functions that wait for one another. Three snapshots, with WORK operations between them.
const { EventEmitter, once } = require('node:events');
const v8 = require('node:v8');
const path = require('node:path');

const out = process.argv[2];
const WORK = 200;

// --- one cause: an object and its entry in a second table
class Account { constructor(i) { this.i = i; } }
const byMail = new Map(); // @byMail
const byAccount = new Map();
// --- one cause: two listeners added by one call
const feed = new EventEmitter(); // @feed
feed.setMaxListeners(0);
// --- one cause: an instance and the listener that refers to it
class View { constructor(model) { model.on('change', () => this.draw()); } draw() {} }
const model = new EventEmitter();
model.setMaxListeners(0);
const views = []; // @views
// --- held by a ring that does not grow, too
const recent = new Array(100_000).fill(null);
class Query { constructor(i) { this.i = i; } }
const queries = []; // @queries
// --- two causes, made in one call and in step
const left = [];
const right = [];
// --- data as keys
const sessions = {};
// --- who waits for whom
const locks = []; // @locks
async function acquire() { await new Promise((resolve) => { locks.push({ resolve }); }); } // @acquire
async function loadUser() { await acquire(); return 1; }
async function handler() { return (await loadUser()) + 1; }

function operation(i) {
  const account = new Account(i);
  byMail.set(`user${i}@mail.example`, account);
  byAccount.set(account, i);
  once(feed, 'item').catch(() => {});
  views.push(new View(model));
  const query = new Query(i);
  queries.push(query); recent[i] = query;
  left.push({ l: i }); right.push({ r: i });
  sessions[`sk_live_51HxQ${i}T0ken`] = { i };
  if (i % 2) handler();
}

let done = 0;
async function round(name) {
  for (let i = 0; i < WORK; i++) operation(done++);
  for (let i = 0; i < 4; i++) { global.gc?.(); await new Promise((r) => setImmediate(r)); }
  v8.writeHeapSnapshot(path.join(out, `${name}.heapsnapshot`));
}
(async () => {
  await round('A'); await round('B'); await round('C');
  process.exit(0);
})();
