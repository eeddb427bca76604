'use strict';

const { now } = require('../clock.cjs');
const { collectGarbage } = require('../inspector.cjs');
const { Refusal } = require('./refusal.cjs');

const heapUsed = () => process.memoryUsage().heapUsed;

let isCollecting = false;

/** V8's own collector; where that cannot be had, what `--expose-gc` gave the program. */
async function collect() {
  try {
    await collectGarbage();
  } catch (error) {
    if (typeof globalThis.gc !== 'function') {
      throw new Refusal(400, 'gc-unavailable',
        `a garbage collection cannot be forced here (${error.message}); start Node.js with --expose-gc`);
    }
    globalThis.gc();
  }
}

/** Collects all garbage and says what that freed. */
async function forceCollection() {
  if (isCollecting) throw new Refusal(409, 'busy', 'a collection is under way; one at a time');
  isCollecting = true;
  const before = heapUsed();
  const begun = now();
  try {
    await collect();
  } finally {
    isCollecting = false;
  }
  const after = heapUsed();
  return {
    status: 200,
    body: {
      freed_bytes: Math.max(0, before - after),
      heap_used_before_bytes: before,
      heap_used_bytes: after,
      duration_ms: Math.round(now() - begun),
    },
  };
}

module.exports = { forceCollection };
