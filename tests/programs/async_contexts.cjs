'use strict';
// Five ways to keep async contexts, and three tables that only look like it: three snapshots, with WORK
// operations between them. Lines that tests look for end in a marker.
const { AsyncLocalStorage, AsyncResource, createHook } = require('node:async_hooks');
const path = require('node:path');
const v8 = require('node:v8');

const out = process.argv[2];
const WORK = 200;

class Trace { constructor(i) { this.i = i; this.text = 'trace ' + i; } }
class Span { constructor(i) { this.i = i; this.text = 'span ' + i; } }
class Job extends AsyncResource { constructor(i) { super('JOB'); this.i = i; } }
class Task extends AsyncResource { constructor() { super('TASK'); } }

// --- leaks
const traces = new Map(); // @traces
createHook({ init(id, type) { if (type === 'TASK') traces.set(id, new Trace(id)); } }).enable();
const jobs = []; // @jobs
const bound = []; // @bound
const session = new AsyncLocalStorage(); // @session
const request = new AsyncLocalStorage();

// --- look-alikes
const byName = new Map();
const recent = [];
const open = new Set();

function operation(i) {
  new Task();
  jobs.push(new Job(i));
  request.run(new Trace(i), () => { bound.push(AsyncResource.bind(function report() { return i; })); }); // @report
  session.getStore().spans.push(new Span(i));
  if (i % 2) createHook({ before() { return i; } }).enable();

  byName.set(`trace ${i}`, new Trace(i));
  recent.push(new Job(i)); if (recent.length > 50) recent.shift();
  const job = new Job(i);
  open.add(job); setImmediate(() => open.delete(job));
}

let done = 0;
const tick = () => new Promise((resolve) => { setImmediate(resolve); });
async function round(name) {
  for (let i = 0; i < WORK; i++) { operation(done++); if (i % 20 === 0) await tick(); }
  for (let i = 0; i < 4; i++) { global.gc?.(); await tick(); }
  v8.writeHeapSnapshot(path.join(out, `${name}.heapsnapshot`));
}
session.run({ spans: [] }, async () => {
  await round('A'); await round('B'); await round('C');
  process.exit(0);
});
