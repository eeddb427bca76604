'use strict';

// What each sampler of the agent costs, in this process: prints JSON of `[what, microseconds]`.
//   node benchmarks/agent/samplers.cjs
// CPU time, median of several rounds.

const channels = require('node:diagnostics_channel');
const { execFileSync } = require('node:child_process');
const path = require('node:path');

const LIBRARY = path.join(__dirname, '..', '..', 'agents', 'node', 'lib');
const { Guard } = require(path.join(LIBRARY, 'errors.cjs'));
const { SAMPLERS } = require(path.join(LIBRARY, 'samplers', 'index.cjs'));
const { Emitters } = require(path.join(LIBRARY, 'watch', 'emitters.cjs'));
const { Stalls } = require(path.join(LIBRARY, 'watch', 'stalls.cjs'));
const { takeCensus } = require(path.join(LIBRARY, 'watch', 'census.cjs'));

const ROUNDS = 9;
const guard = new Guard();

function cpuUs() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Median CPU microseconds of one call of `act`. */
function cost(act, times) {
  act(0);
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = cpuUs();
    for (let i = 0; i < times; i += 1) act(i);
    return (cpuUs() - before) / times;
  });
  return rounds.sort((a, b) => a - b)[ROUNDS >> 1];
}

/** Every read as if it were the first for long: what is kept for a while is asked for anew. */
function readCosts() {
  const rows = [];
  for (const sampler of SAMPLERS) {
    const open = () => sampler.open({ guard, ownBytes: () => 0, options: { promises: false, listeners: false }, minAgeMs: 0 });
    if (['handles', 'fds', 'listeners'].includes(sampler.name)) {
      // These keep what they read for 10 s, so a fresh one each time; opening is next to nothing.
      rows.push([`${sampler.name}, read anew`, cost(() => { const one = open(); one.read({}, { reset: true }); one.close(); }, 100)]);
      continue;
    }
    const reader = open();
    rows.push([sampler.name, cost(() => reader.read({}, { reset: true }), 200)]);
    reader.close();
  }
  return rows;
}

/** A request's two events, with as many paths as a service has. */
function requestCost(paths) {
  const start = channels.channel('http.server.request.start');
  const finish = channels.channel('http.server.response.finish');
  const socket = new (require('node:events').EventEmitter)();
  const act = (i) => {
    const message = {
      request: { method: 'GET', url: paths[i % paths.length], headers: {} },
      response: { statusCode: 200, headersSent: true },
      socket,
    };
    start.publish(message);
    finish.publish(message);
  };
  const times = 200_000;
  const without = cost(act, times);
  const stalls = new Stalls({ guard });
  const reader = SAMPLERS.find(({ name }) => name === 'requests').open({ stalls });
  const withSampler = cost(act, times);
  stalls.stop();
  reader.close();
  return withSampler - without;
}

/** What Node's telling of a collection costs, above the collection; in a process of its own with a small young generation. */
function collectionCost() {
  const program = `
    const { PerformanceObserver } = require('node:perf_hooks');
    let seen = 0;
    if (process.argv[1] === 'watched') new PerformanceObserver((list) => { seen += list.getEntries().length; }).observe({ entryTypes: ['gc'] });
    let kept = [];
    const turn = (left) => {
      kept = Array.from({ length: 15_000 }, (_, n) => ({ n }));
      if (left > 0) setImmediate(turn, left - 1);
      else { const { user, system } = process.cpuUsage(); console.log(JSON.stringify([user + system, seen])); }
    };
    turn(2000);
  `;
  const run = (how) => JSON.parse(execFileSync(process.execPath, ['--single-threaded-gc', '--max-semi-space-size=1', '-e', program, how]));
  const differences = Array.from({ length: ROUNDS }, () => {
    const [without] = run('alone');
    const [watched, seen] = run('watched');
    return (watched - without) / seen;
  });
  return differences.sort((a, b) => a - b)[ROUNDS >> 1];
}

function promiseCost() {
  const act = () => Promise.resolve().then(() => {});
  const without = cost(act, 100_000);
  const reader = SAMPLERS.find(({ name }) => name === 'promises').open({ options: { promises: true } });
  const withHooks = cost(act, 100_000);
  reader.close();
  return (withHooks - without) / 2;
}

function listenerCost() {
  const { EventEmitter } = require('node:events');
  const act = () => { const emitter = new EventEmitter(); emitter.on('a', act); emitter.on('b', act); };
  const without = cost(act, 50_000);
  const emitters = new Emitters({ traces: true });
  emitters.start();
  const hooked = cost(act, 50_000);
  emitters.stop();
  return (hooked - without) / 2;
}

/** The tick that follows a request on an otherwise idle process; the timer that begins it is not counted. */
async function tickCost() {
  const stalls = new Stalls({ guard });
  const TIMES = 40;
  const idle = async (act) => {
    const before = cpuUs();
    for (let i = 0; i < TIMES; i += 1) {
      act();
      await new Promise((resolve) => { setTimeout(resolve, 120); });
    }
    return cpuUs() - before;
  };
  const without = await idle(() => {});
  const ticking = await idle(() => stalls.begin(performance.now()));
  stalls.stop();
  return (ticking - without) / TIMES;
}

async function main() {
  const rows = readCosts().map(([name, us]) => [`read: ${name}`, us]);
  rows.push(['request, 20 paths', requestCost(Array.from({ length: 20 }, (_, i) => `/api/${'abcdefghijklmnopqrst'[i]}`))]);
  rows.push(['request, paths with ids', requestCost(Array.from({ length: 5000 }, (_, i) => `/api/orders/${i}/lines?page=${i % 7}`))]);
  rows.push(['collection watched', collectionCost()]);
  rows.push(['tick for stalls, on an idle process', await tickCost()]);
  const emitters = new Emitters();
  const timers = Array.from({ length: 10_000 }, () => setTimeout(() => {}, 3_600_000));
  rows.push(['census with 10,000 timers, every 5 minutes', cost(() => takeCensus(emitters), 5)]);
  timers.forEach(clearTimeout);
  rows.push(['promise, with option promises', promiseCost()]);
  rows.push(['listener added, with option listeners', listenerCost()]);
  console.log(JSON.stringify(rows));
  process.exit();
}

main();
