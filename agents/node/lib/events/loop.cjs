'use strict';

const { every } = require('../clock.cjs');
const loop = require('../samplers/loop.cjs');

/** `loop`: every window in which the event loop came round late, by the options `loopDelayMs` and `loopWindowMs`. */
function open({ options, guard, emit }) {
  const reader = loop.open({ guard });
  let stallsBefore = 0;
  let stalledBefore = 0;
  const look = guard.wrap(() => {
    const sample = {};
    reader.read(sample, { reset: true });
    const stalls = sample.loop_stalls_total ?? 0;
    const stalled = sample.loop_stalled_ms_total ?? 0;
    if (sample.loop_delay_p99_ms > options.loopDelayMs) {
      emit({
        at: new Date(),
        window_ms: options.loopWindowMs,
        p50_ms: sample.loop_delay_p50_ms,
        p99_ms: sample.loop_delay_p99_ms,
        max_ms: sample.loop_delay_max_ms,
        utilization: sample.loop_utilization,
        stalls: stalls - stallsBefore,
        stalled_ms: stalled - stalledBefore,
      });
    }
    stallsBefore = stalls;
    stalledBefore = stalled;
  });
  const end = every(options.loopWindowMs, look);
  return {
    close() {
      end();
      reader.close();
    },
  };
}

module.exports = { open };
