'use strict';

const { monitorEventLoopDelay, performance } = require('node:perf_hooks');

const { after, cancel } = require('../clock.cjs');

const RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;
const STALL_MS = 50;
// A stall begins anywhere between two ticks, so on average half of the resolution is missing from what is over.
const HALF_MS = RESOLUTION_MS / 2;
// The histogram takes 10 to 20 µs to find a value; of more stalls, evenly spread ones stand for all.
const MAX_STALLS_READ = 100;

const NAMES = [
  'loop_delay_p50_ms', 'loop_delay_p99_ms', 'loop_delay_max_ms', 'loop_delay_mean_ms', 'loop_utilization',
  'loop_stalls_total', 'loop_stalled_ms_total',
];

/**
 * `{count, ms}` of the ticks that were at least `leastMs` apart. The histogram only answers what the value
 * at a percentile is; but the percentile of the k-th largest gives the k-th largest, so the long ones are read
 * from the top, and nothing has to run between two samples.
 */
function longTicks(delays, leastMs) {
  const { count } = delays;
  const msOf = (rank) => delays.percentile(((count - rank - 0.5) / count) * 100) / NS_PER_MS;
  let found = 0;
  for (let step = 2 ** Math.floor(Math.log2(count)); step >= 1; step /= 2) {
    if (found + step <= count && msOf(found + step - 1) >= leastMs) found += step;
  }
  let ms = 0;
  const read = Math.min(found, MAX_STALLS_READ);
  for (let i = 0; i < read; i += 1) ms += msOf(Math.floor(((i + 0.5) / read) * found));
  return { count: found, ms: read > 0 ? (ms / read) * found : 0 };
}

/**
 * How late the event loop comes round, and the share of time it was busy, both since the last sample; and how
 * often it was held up, which percentiles hide: a loop that stands still for a fifth of the time in blocks of
 * 200 ms has few ticks in that time.
 */
function open({ onStall } = {}) {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  // What loading the program took is no delay of its loop.
  const begin = after(1, () => delays.enable());
  let last = performance.eventLoopUtilization();
  let stalls = 0;
  let stalledMs = 0;
  // The histogram holds the whole time between two ticks, of which only what is over is delay.
  const late = (ns) => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS);
  return {
    read(sample, { reset }) {
      const long = delays.count > 0 ? longTicks(delays, STALL_MS + HALF_MS) : { count: 0, ms: 0 };
      if (delays.count > 0) {
        sample.loop_delay_p50_ms = late(delays.percentile(50));
        sample.loop_delay_p99_ms = late(delays.percentile(99));
        sample.loop_delay_max_ms = late(delays.max);
        sample.loop_delay_mean_ms = late(delays.mean);
      }
      sample.loop_stalls_total = stalls + long.count;
      sample.loop_stalled_ms_total = stalledMs + long.ms - long.count * HALF_MS;
      const latest = performance.eventLoopUtilization();
      sample.loop_utilization = performance.eventLoopUtilization(latest, last).utilization;
      if (!reset) return;
      stalls = sample.loop_stalls_total;
      stalledMs = sample.loop_stalled_ms_total;
      if (onStall && delays.count > 0) onStall(late(delays.max));
      delays.reset();
      last = latest;
    },
    close() {
      cancel(begin);
      delays.disable();
    },
  };
}

module.exports = { name: 'loop', metrics: NAMES, needsHistory: true, open };
