'use strict';
// Growth with something beside it that bounds it, or seems to: four snapshots of one process.
// Lines that tests ask for end in a marker.
const { AsyncResource } = require('node:async_hooks');
const v8 = require('node:v8');
const path = require('node:path');
const { Registry, debounce } = require('registry');

const out = process.argv[2];
const WORK = 300;

const LIMIT = 50_000;
const filling = new Map(); // @filling
function remember(i) {
  if (filling.size >= LIMIT) filling.delete(filling.keys().next().value);
  filling.set(`key-${i}`, { i });
}

const LOW = 100;
const overflowing = new Map(); // @overflowing
function forgetful(i) {
  if (overflowing.size > LOW) overflowing.delete(`not-there-${i}`);
  overflowing.set(`key-${i}`, { i });
}

const seen = new Map(); // @seen
function notice(i) {
  seen.set(`id-${i}`, { i });
  setTimeout(() => seen.delete(`id-${i}`), 3_600_000).unref();
}

const sessions = new Map(); // @sessions
function open(i) {
  const session = { i };
  sessions.set(`id-${i}`, session);
  setTimeout(() => { if (session.closed) sessions.delete(`id-${i}`); }, 1);
}

const accepted = []; // heapsleuth: ignore one entry per build, and a build has few
const hooks = new Registry();
function onEnd(i) { return i; } // @onEnd

let head = new AsyncResource('head');
let newest = null;
function link(i) {
  // Each link is held by the one after it; nothing that lasts gains a member.
  newest = { previous: newest, value: `link ${i}` };
  const resource = new AsyncResource('request');
  resource.state = newest;
  head = resource;
  newest = head.state;
}

let done = 0;
async function round(name) {
  for (let n = 0; n < WORK; n++) {
    const i = done++;
    remember(i); forgetful(i); notice(i); open(i); link(i);
    accepted.push({ i });
    hooks.add(debounce(onEnd));
  }
  await new Promise((resolve) => { setTimeout(resolve, 20); });
  for (let i = 0; i < 4; i++) { global.gc?.(); await new Promise((r) => { setImmediate(r); }); }
  v8.writeHeapSnapshot(path.join(out, `${name}.heapsnapshot`));
}
(async () => {
  for (const name of 'ABCD') await round(name);
  global.__keep = { head, newest };
  process.exit(0);
})();
