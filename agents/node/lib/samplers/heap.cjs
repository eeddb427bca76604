'use strict';

const v8 = require('node:v8');

const NAMES = [
  'heap_used_bytes', 'heap_total_bytes', 'heap_limit_bytes', 'external_bytes', 'array_buffers_bytes',
  'malloced_bytes',
];

/** V8's heap of this thread, by kind and by space (`heap_space_old_used_bytes` and so on). */
function open() {
  // The names of the spaces are V8's and differ by version; building them once saves garbage.
  const nameBySpace = new Map();
  return {
    read(sample) {
      const heap = v8.getHeapStatistics();
      const memory = process.memoryUsage();
      sample.heap_used_bytes = heap.used_heap_size;
      sample.heap_total_bytes = heap.total_heap_size;
      sample.heap_limit_bytes = heap.heap_size_limit;
      sample.external_bytes = memory.external;
      sample.array_buffers_bytes = memory.arrayBuffers;
      sample.malloced_bytes = heap.malloced_memory;
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

module.exports = { name: 'heap', metrics: NAMES, open };
