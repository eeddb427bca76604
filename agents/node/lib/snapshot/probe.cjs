'use strict';

// Measures what the prediction is made of, by forcing a full GC. A snapshot forces several of them
// anyway; without one in sight nothing here forces any.

const fs = require('node:fs');
const { performance } = require('node:perf_hooks');
const v8 = require('node:v8');
const vm = require('node:vm');

const REPEATS_BELOW_BYTES = 64e6;
// Several time slices of the usual scheduler.
const SPIN_MS = 20;

let collect = null;

/** `gc()` without `--expose-gc`: the flag is on only while a fresh context is made. */
function collector() {
  if (!collect) {
    if (typeof globalThis.gc === 'function') return globalThis.gc;
    v8.setFlagsFromString('--expose-gc');
    collect = vm.runInNewContext('gc');
    v8.setFlagsFromString('--no-expose-gc');
  }
  return collect;
}

/** `[running, waiting]` nanoseconds of this thread, null where the system does not count them. */
function scheduled() {
  try {
    const parts = fs.readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ');
    return [Number(parts[0]), Number(parts[1])];
  } catch {
    return null;
  }
}

/**
 * How much longer things take than their CPU time because other programs want the same cores: at least 1.
 * Measured by spinning, because during a GC this thread also waits for V8's own helpers.
 */
function slowdown() {
  const before = scheduled();
  if (!before) return 1;
  const end = performance.now() + SPIN_MS;
  while (performance.now() < end);
  const after = scheduled();
  const running = after[0] - before[0];
  return running > 0 ? Math.min(8, 1 + Math.max(0, after[1] - before[1]) / running) : 1;
}

function largeBytes() {
  return v8
    .getHeapSpaceStatistics()
    .filter((space) => space.space_name.includes('large_object'))
    .reduce((sum, space) => sum + space.space_used_size, 0);
}

/** Figures for `predict` without touching the heap; `gc_cpu_ms` is null. */
function look() {
  return {
    node: process.versions.node,
    used_bytes: v8.getHeapStatistics().used_heap_size,
    large_bytes: largeBytes(),
    gc_cpu_ms: null,
    slowdown: 1,
  };
}

/**
 * Figures for `predict` after a full GC. The GC is repeated on small heaps, where one is a matter of
 * milliseconds and scatters, and the quickest counts: the first also clears garbage.
 */
function probe() {
  const gc = collector();
  const times = [];
  const repeats = v8.getHeapStatistics().used_heap_size < REPEATS_BELOW_BYTES ? 3 : 2;
  for (let run = 0; run < repeats; run += 1) {
    const before = process.cpuUsage();
    gc();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1e3);
  }
  return { ...look(), gc_cpu_ms: Math.min(...times), slowdown: slowdown() };
}

module.exports = { collector, look, probe };
