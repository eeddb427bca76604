'use strict';

// Runs in a worker thread; see blocked.cjs.

const { parentPort, workerData } = require('node:worker_threads');

const { connect } = require('../inspector.cjs');

const { beats, excused, thresholdMs } = workerData;
const LOOK_MS = Math.max(20, thresholdMs / 8);
const PROFILE_MS = 1000;
const SAMPLING_US = 1000;

let last = -1;
let movedAt = performance.now();
let isProfiling = false;
// Never ended: see connect().
let session = null;
let timer = null;

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** A CPU profile of the main thread, which goes on standing still meanwhile; null when V8 could not interrupt it. */
async function profileMain(stuckAt) {
  session ??= connect({ toMainThread: true });
  const { post } = session;
  await post('Profiler.enable');
  await post('Profiler.setSamplingInterval', { interval: SAMPLING_US });
  await post('Profiler.start');
  // Native code cannot be interrupted: then the answers come only when it is over.
  const isInTime = Atomics.load(beats, 0) === stuckAt;
  const end = performance.now() + PROFILE_MS;
  while (Atomics.load(beats, 0) === stuckAt && performance.now() < end) await sleep(5);
  const { profile } = await post('Profiler.stop');
  await post('Profiler.disable');
  return isInTime ? profile : null;
}

async function look() {
  const beat = Atomics.load(beats, 0);
  const at = performance.now();
  if (beat !== last || Atomics.load(excused, 0) === 1) {
    last = beat;
    movedAt = at;
    return;
  }
  if (at - movedAt < thresholdMs || isProfiling) return;
  isProfiling = true;
  const begun = movedAt;
  const profile = await profileMain(beat).catch(() => null);
  while (Atomics.load(beats, 0) === beat) await sleep(LOOK_MS);
  parentPort.postMessage({ ms: performance.now() - begun, profile });
  isProfiling = false;
}

parentPort.on('message', (isWatching) => {
  clearInterval(timer);
  last = -1;
  timer = isWatching ? setInterval(look, LOOK_MS) : null;
});
