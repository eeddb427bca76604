'use strict';

const { every } = require('../clock.cjs');
const loop = require('../samplers/loop.cjs');

// Percentiles are by turns of the loop, and a loop that stands still has none: one block of 200 ms a second is a
// p99 of 13 to 18 ms. By time it is over the limit when more than the last percent of it was spent in stalls.
const LAST_PERCENT = 0.01;

/** Why the event loop came round late in a window: `p99`, `stalls`, or null. */
function lateness({ p99_ms: p99, max_ms: max, stalled_ms: stalled, window_ms: window }, limitMs) {
  if (p99 > limitMs) return 'p99';
  return max > limitMs && stalled > window * LAST_PERCENT ? 'stalls' : null;
}

/** `loop`: every window in which the event loop came round late, by the options `loopDelayMs` and `loopWindowMs`. */
function open({ options, guard, emit }) {
  const reader = loop.open({ guard });
  let before = { stalls: 0, stalledMs: 0 };
  const look = guard.wrap(() => {
    const sample = {};
    reader.read(sample, { reset: true });
    const totals = { stalls: sample.loop_stalls_total ?? 0, stalledMs: sample.loop_stalled_ms_total ?? 0 };
    const event = {
      at: new Date(),
      window_ms: options.loopWindowMs,
      p50_ms: sample.loop_delay_p50_ms,
      p99_ms: sample.loop_delay_p99_ms,
      max_ms: sample.loop_delay_max_ms,
      utilization: sample.loop_utilization,
      stalls: totals.stalls - before.stalls,
      stalled_ms: totals.stalledMs - before.stalledMs,
    };
    before = totals;
    const reason = lateness(event, options.loopDelayMs);
    if (reason) emit({ ...event, reason });
  });
  const end = every(options.loopWindowMs, look);
  return {
    close() {
      end();
      reader.close();
    },
  };
}

module.exports = { lateness, open };
