'use strict';

const v8 = require('node:v8');

const { isMajor, watchCollections } = require('../collections.cjs');
const { every } = require('../clock.cjs');
const { readFloor } = require('../samplers/gc.cjs');
const { cgroupMemory } = require('../snapshot/cgroup.cjs');
const { oldGeneration } = require('../snapshot/heap-limit.cjs');

// Told again only after the share was this much lower in between.
const REARM = 0.9;

/** What is used of what may be used: of the heap by its old generation, of the container by its working set. */
const READERS = {
  heap: oldGeneration,
  container: cgroupMemory,
};

/**
 * `alert`: the heap or the container has reached the option `alertShare` of its limit. Looked at with
 * every sample, and the heap after each major collection. `floor_bytes` tells whether garbage is a part of it.
 */
function open({ options, guard, emit }) {
  const threshold = options.alertShare;
  const isOver = { heap: false, container: false };
  let floor = null;
  const look = (kind) => {
    const memory = READERS[kind]();
    if (!memory) return;
    const share = memory.usedBytes / memory.limitBytes;
    if (share < threshold * REARM) isOver[kind] = false;
    if (share < threshold || isOver[kind]) return;
    isOver[kind] = true;
    emit({
      at: new Date(),
      kind,
      share,
      threshold,
      used_bytes: memory.usedBytes,
      limit_bytes: memory.limitBytes,
      heap_used_bytes: v8.getHeapStatistics().used_heap_size,
      floor_bytes: floor,
    });
  };
  if (!(threshold > 0)) return { close() {} };
  const endWatch = watchCollections(guard, (entries) => {
    if (!entries.some(isMajor)) return;
    floor = readFloor();
    look('heap');
  });
  const endLooks = every(options.intervalMs, guard.wrap(() => {
    look('heap');
    look('container');
  }));
  return {
    close() {
      endWatch();
      endLooks();
    },
  };
}

module.exports = { open };
