'use strict';

// Runs in a worker thread; see blocked.cjs.

const { Session } = require('node:inspector');
const { parentPort, workerData } = require('node:worker_threads');

const { beats, excused, thresholdMs } = workerData;
const LOOK_MS = Math.max(20, thresholdMs / 8);
const PROFILE_MS = 1000;
const SAMPLING_US = 1000;

let last = -1;
let movedAt = performance.now();
let isProfiling = false;
let post = null;
let timer = null;

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/**
 * The main thread's inspector. The session is never ended: when one ends, whatever it was used for, V8 gives every
 * object a new id, and snapshots from before and after can no longer be compared (`ClearObjectIds`).
 */
function connect() {
  const session = new Session();
  session.connectToMainThread();
  return (method, params) => new Promise((resolve, reject) => {
    session.post(method, params, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

/** A CPU profile of the main thread, which goes on standing still meanwhile; null when V8 could not interrupt it. */
async function profileMain(stuckAt) {
  post ??= connect();
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
