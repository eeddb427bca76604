'use strict';

const { monitorEventLoopDelay, performance } = require('node:perf_hooks');

const RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

const NAMES = ['loop_delay_p50_ms', 'loop_delay_p99_ms', 'loop_delay_max_ms', 'loop_utilization'];

/** How late the event loop comes round, and the share of time it was busy, both since the last sample. */
function open() {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  let last = performance.eventLoopUtilization();
  // The histogram holds the whole time between two ticks, of which only what is over is delay.
  const late = (ns) => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS);
  return {
    read(sample, { reset }) {
      if (delays.count > 0) {
        sample.loop_delay_p50_ms = late(delays.percentile(50));
        sample.loop_delay_p99_ms = late(delays.percentile(99));
        sample.loop_delay_max_ms = late(delays.max);
      }
      const latest = performance.eventLoopUtilization();
      sample.loop_utilization = performance.eventLoopUtilization(latest, last).utilization;
      if (reset) {
        delays.reset();
        last = latest;
      }
    },
    close() {
      delays.disable();
    },
  };
}

module.exports = { name: 'loop', metrics: NAMES, needsHistory: true, open };
