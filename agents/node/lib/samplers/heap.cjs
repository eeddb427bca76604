'use strict';

const v8 = require('node:v8');

/** Metric → field of `v8.getHeapStatistics()`. */
const STATISTICS = Object.freeze({
  heap_used_bytes: 'used_heap_size',
  heap_total_bytes: 'total_heap_size',
  heap_limit_bytes: 'heap_size_limit',
  malloced_bytes: 'malloced_memory',
  peak_malloced_bytes: 'peak_malloced_memory',
  native_contexts: 'number_of_native_contexts',
  detached_contexts: 'number_of_detached_contexts',
  global_handles_bytes: 'total_global_handles_size',
  global_handles_used_bytes: 'used_global_handles_size',
});
const METRICS = Object.keys(STATISTICS);

/** V8's heap of this thread, by kind and by space (`heap_space_old_used_bytes` and so on). */
function open() {
  // The names of the spaces are V8's and differ by version; building them once saves garbage.
  const nameBySpace = new Map();
  return {
    read(sample) {
      const heap = v8.getHeapStatistics();
      const memory = process.memoryUsage();
      for (const metric of METRICS) {
        const value = heap[STATISTICS[metric]];
        if (value !== undefined) sample[metric] = value;
      }
      sample.external_bytes = memory.external;
      sample.array_buffers_bytes = memory.arrayBuffers;
      for (const space of v8.getHeapSpaceStatistics()) {
        let name = nameBySpace.get(space.space_name);
        if (name === undefined) {
          name = `heap_space_${space.space_name.replace(/_space$/, '')}_used_bytes`;
          nameBySpace.set(space.space_name, name);
        }
        sample[name] = space.space_used_size;
      }
    },
    close() {},
  };
}

module.exports = { name: 'heap', metrics: [...METRICS, 'external_bytes', 'array_buffers_bytes'], open };
