'use strict';

const path = require('node:path');
const { Worker, isMainThread } = require('node:worker_threads');

const { after, cancel, now } = require('../clock.cjs');
const { flag, isExcused } = require('../excused.cjs');
const { shortFile } = require('./caller.cjs');

// The worker takes 9 MB and some CPU time, so it is there only while long stalls may come again; but once it has
// profiled it stays and rests, because its inspector session must not end.
const WATCHED_AFTER_STALL_MS = 600_000;
const MIN_BEAT_MS = 50;
// So many thresholds after the start a stall is no longer the program's loading.
const GRACE_TIMES = 15;
// A service that stalls all the time says the same again and again.
const MIN_PAUSE_MS = 10_000;
const MAX_FRAMES = 10;

/**
 * Names what holds up the main thread. From the first stall of `thresholdMs` on, for ten minutes after the
 * last one, a worker thread watches a counter that the main thread's timer moves; when it stands still for
 * that long, the worker profiles the main thread. So the first stall is not named, and a program that never
 * stalls has no worker. Main threads only.
 */
class BlockWatch {
  #thresholdMs;
  #guard;
  #report;
  #worker = null;
  #hasProfiled = false;
  #beats = new Int32Array(new SharedArrayBuffer(4));
  #beat = null;
  #end = null;
  #reportedAt = -Infinity;
  #begun = now();

  constructor({ thresholdMs, guard, report }) {
    this.#thresholdMs = thresholdMs;
    this.#guard = guard;
    this.#report = report;
  }

  get isWatching() {
    return this.#beat !== null;
  }

  /** To be told of every stall, after it. */
  stalled(ms) {
    if (!(this.#thresholdMs > 0) || ms < this.#thresholdMs || !isMainThread) return;
    if (now() - this.#begun < this.#thresholdMs * GRACE_TIMES || isExcused(ms)) return;
    cancel(this.#end);
    this.#end = after(WATCHED_AFTER_STALL_MS, () => this.#rest());
    if (!this.isWatching) this.#guard.run(() => this.#watch());
  }

  /** Ends the worker; object ids change if it has profiled. */
  stop() {
    cancel(this.#end);
    cancel(this.#beat);
    this.#beat = null;
    const worker = this.#worker;
    this.#worker = null;
    if (worker) worker.terminate().catch(() => {});
  }

  #rest() {
    if (!this.#hasProfiled) {
      this.stop();
      return;
    }
    this.#worker?.postMessage(false);
    cancel(this.#beat);
    this.#beat = null;
  }

  #watch() {
    if (!this.#worker) this.#start();
    this.#worker.postMessage(true);
    const everyMs = Math.max(MIN_BEAT_MS, this.#thresholdMs / 8);
    const beat = () => {
      Atomics.add(this.#beats, 0, 1);
      this.#beat = after(everyMs, beat);
    };
    beat();
  }

  #start() {
    const worker = new Worker(path.join(__dirname, 'blocked-worker.cjs'), {
      workerData: { beats: this.#beats, excused: flag, thresholdMs: this.#thresholdMs },
      // Without NODE_OPTIONS: neither a second agent nor what else the application preloads.
      env: {},
      execArgv: [],
      stdout: true,
      stderr: true,
    });
    worker.on('error', (error) => this.#guard.record(error));
    worker.on('exit', () => {
      if (this.#worker === worker) this.stop();
    });
    worker.on('message', this.#guard.wrap((found) => this.#found(found)));
    // Last: a listener for messages makes the thread keep the process alive again.
    worker.unref();
    this.#worker = worker;
  }

  #found({ ms, profile }) {
    this.#hasProfiled = true;
    this.stalled(ms);
    if (now() - this.#reportedAt < MIN_PAUSE_MS) return;
    this.#reportedAt = now();
    this.#report({ type: 'blocked', ms: Math.round(ms), frames: profile ? hotFrames(profile) : [] });
  }
}

/** What is not a function: `(program)`, `(idle)`, and `(garbage collector)`, which is told elsewhere. */
const isCode = ({ callFrame }) => !/^\(.*\)$/.test(callFrame.functionName) || callFrame.functionName === '(anonymous)';

/** The path that most samples of a CPU profile took, innermost function first; `share` of all samples. */
function hotFrames(profile) {
  const nodes = new Map(profile.nodes.map((node) => [node.id, { ...node, samples: 0 }]));
  let all = 0;
  for (const id of profile.samples ?? []) {
    nodes.get(id).samples += 1;
    all += 1;
  }
  // Children have larger ids than their parents.
  const ordered = [...nodes.values()].sort((a, b) => b.id - a.id);
  for (const node of ordered) for (const child of node.children ?? []) node.samples += nodes.get(child).samples;
  const hottest = (node) => (node.children ?? []).map((id) => nodes.get(id)).filter(isCode).sort((a, b) => b.samples - a.samples)[0];
  const stack = [];
  let here = hottest(nodes.get(profile.nodes[0].id));
  // Below the function that spends the time itself, the largest of many small ones says nothing.
  for (let least = 0; here && here.samples > least; here = hottest(here)) {
    stack.push(here);
    least = here.samples / 2;
  }
  return stack
    // V8's own functions have no file; what called them is the answer.
    .filter(({ callFrame }) => callFrame.url)
    .reverse()
    .slice(0, MAX_FRAMES)
    .map(({ callFrame, samples }) => ({
      function: (callFrame.functionName || '(anonymous)').slice(0, 200),
      file: shortFile(callFrame.url),
      line: callFrame.lineNumber + 1,
      share: all > 0 ? Math.round((samples / all) * 1000) / 1000 : 0,
    }));
}

module.exports = { BlockWatch, hotFrames };
