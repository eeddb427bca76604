'use strict';

const { now } = require('./clock.cjs');

// How long after it a stall may still be told.
const TOLD_WITHIN_MS = 60_000;

const flag = new Int32Array(new SharedArrayBuffer(4));
let lastMs = 0;
let endedAt = -Infinity;

/** Runs `act`, which holds up the main thread because somebody asked for it (a snapshot): no stall of the program's. */
function excused(act) {
  const begun = now();
  Atomics.store(flag, 0, 1);
  try {
    return act();
  } finally {
    Atomics.store(flag, 0, 0);
    endedAt = now();
    lastMs = endedAt - begun;
  }
}

/** Whether a stall of that length may be what was excused lately. */
const isExcused = (ms) => now() - endedAt < TOLD_WITHIN_MS && ms <= lastMs * 1.2 + 100;

module.exports = { excused, flag, isExcused };
