'use strict';

// The stop itself: V8 writes its snapshot to a partial file, and the clock runs.

const fs = require('node:fs');
const { performance } = require('node:perf_hooks');
const v8 = require('node:v8');

const V8_STRING_LIMIT = 1024;

/** Which of the wanted options this Node version cannot do. */
function unsupported({ exposeInternals, exposeNumericValues }) {
  // Since Node 20 it takes options; before, it ignores them silently.
  if (v8.writeHeapSnapshot.length > 1) return [];
  return Object.entries({ exposeInternals, exposeNumericValues })
    .filter(([, wanted]) => wanted)
    .map(([name]) => name);
}

function withStringLimit(limit, work) {
  if (!(Number.isInteger(limit) && limit > 0)) return work();
  v8.setFlagsFromString(`--heap-snapshot-string-limit=${limit}`);
  try {
    return work();
  } finally {
    v8.setFlagsFromString(`--heap-snapshot-string-limit=${V8_STRING_LIMIT}`);
  }
}

/** The most memory the process ever had resident, in bytes. */
function peakRssBytes() {
  return process.resourceUsage().maxRSS * 1024;
}

/**
 * Write the snapshot and return what it cost: `{pause_ms, pause_cpu_ms, extra_bytes}`.
 * `extra_bytes` is null if the process once had more memory than now: then the peak does not show.
 */
function writeHeap(file, { exposeInternals = false, exposeNumericValues = false, stringLimit } = {}) {
  const peakBefore = peakRssBytes();
  const residentBefore = process.memoryUsage.rss();
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const written = withStringLimit(stringLimit, () =>
    v8.writeHeapSnapshot(file, { exposeInternals, exposeNumericValues }),
  );
  const pause = performance.now() - start;
  const { user, system } = process.cpuUsage(cpuBefore);
  if (written === undefined || !fs.existsSync(file)) throw new Error('V8 wrote no file');
  const peak = peakRssBytes();
  return {
    pause_ms: Math.round(pause),
    pause_cpu_ms: Math.round((user + system) / 1e3),
    extra_bytes: peak > peakBefore ? peak - residentBefore : null,
  };
}

module.exports = { unsupported, writeHeap };
