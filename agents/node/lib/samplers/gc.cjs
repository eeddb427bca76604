'use strict';

const { PerformanceObserver, constants } = require('node:perf_hooks');
const v8 = require('node:v8');

const { NODE_PERFORMANCE_GC_MAJOR: MAJOR } = constants;

const NAMES = ['floor_bytes', 'gc_pause_ms_max', 'gc_pause_ms_total', 'gc_count', 'gc_major_count'];

/**
 * Heap used by what the last major collection left. The observer is told some time after it, when
 * allocation has gone on; but a major collection empties the young generation, so whatever is in
 * there now was made since.
 */
function readFloor() {
  let used = v8.getHeapStatistics().used_heap_size;
  for (const { space_name: name, space_used_size: size } of v8.getHeapSpaceStatistics()) {
    if (name === 'new_space' || name === 'new_large_object_space') used -= size;
  }
  return used;
}

/** Collections of this thread: the floor, counts and pauses. `onMajor` is called with each floor. */
function open({ guard, onMajor }) {
  let floor = null;
  let pauseMax = 0;
  let pauseTotal = 0;
  let count = 0;
  let majorCount = 0;
  // Called for every scavenge, and too seldom to be compiled: what is written here runs interpreted,
  // so no iterators, each getter once, and the guard only where it may be needed.
  const observe = (list) => {
    let major = false;
    try {
      // All of them: under synchronous work several collections share one call, and reading only the
      // first loses up to 63 % of them.
      const entries = list.getEntries();
      for (let i = 0; i < entries.length; i += 1) {
        const { duration, detail } = entries[i];
        count += 1;
        pauseTotal += duration;
        if (duration > pauseMax) pauseMax = duration;
        if (detail.kind === MAJOR) {
          majorCount += 1;
          major = true;
        }
      }
    } catch (error) {
      guard.record(error);
    }
    if (major) guard.run(takeFloor);
  };
  const takeFloor = () => {
    floor = readFloor();
    if (onMajor) onMajor(floor);
  };
  const observer = new PerformanceObserver(observe);
  observer.observe({ entryTypes: ['gc'] });
  return {
    read(sample, { reset }) {
      if (floor !== null) sample.floor_bytes = floor;
      sample.gc_pause_ms_max = pauseMax;
      sample.gc_pause_ms_total = pauseTotal;
      sample.gc_count = count;
      sample.gc_major_count = majorCount;
      if (reset) pauseMax = 0;
    },
    close() {
      observer.disconnect();
    },
  };
}

module.exports = { name: 'gc', metrics: NAMES, needsHistory: true, open, readFloor };
