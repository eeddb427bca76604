'use strict';

const { performance } = require('node:perf_hooks');

const { isForced, kindOf, watchCollections } = require('../collections.cjs');

/** `gc`: every collection that stopped the program for longer than the option `gcPauseMs`. */
function open({ options, guard, emit }) {
  const close = watchCollections(guard, (entries) => {
    for (const entry of entries) {
      if (entry.duration <= options.gcPauseMs) continue;
      emit({
        at: new Date(performance.timeOrigin + entry.startTime),
        kind: kindOf(entry),
        pause_ms: entry.duration,
        forced: isForced(entry),
      });
    }
  });
  return { close };
}

module.exports = { open };
