'use strict';

const { PerformanceObserver, constants } = require('node:perf_hooks');

/** V8's kinds of collections, by the words that prom-client and OpenTelemetry use for them. */
const KIND_NAMES = Object.freeze({
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
});

const MAJOR = constants.NODE_PERFORMANCE_GC_MAJOR;

// One observer for all who are interested: Node calls each one for every scavenge.
const watchers = new Set();
let observer = null;

function dispatch(list) {
  // All of them: under synchronous work several collections share one call.
  const entries = list.getEntries();
  for (const { act, guard } of watchers) guard.run(act, entries);
}

/** Calls `act` with the entries of collections of this thread, soon after they happened; returns what ends it. */
function watchCollections(guard, act) {
  const watcher = { act, guard };
  if (watchers.size === 0) {
    observer = new PerformanceObserver(dispatch);
    observer.observe({ entryTypes: ['gc'] });
  }
  watchers.add(watcher);
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0) observer.disconnect();
  };
}

const kindOf = (entry) => KIND_NAMES[entry.detail.kind];
const isMajor = (entry) => entry.detail.kind === MAJOR;
const isForced = (entry) => (entry.detail.flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0;

module.exports = { KINDS: Object.freeze(Object.values(KIND_NAMES)), isForced, isMajor, kindOf, watchCollections };
