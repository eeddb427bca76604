'use strict';

const v8 = require('node:v8');

const { wall } = require('../clock.cjs');
const { cgroupMemory } = require('../snapshot/cgroup.cjs');
const { current } = require('../state.cjs');

const round = (value) => Math.round(value * 100) / 100;

/** Memory now. What is unknown is null: the floor before the first major collection, a container that is none. */
async function readMemory() {
  const { heapUsed, heapTotal, external, arrayBuffers, rss } = process.memoryUsage();
  const limit = v8.getHeapStatistics().heap_size_limit;
  const container = cgroupMemory();
  return {
    status: 200,
    body: {
      at_ms: wall(),
      uptime_ms: Math.round(process.uptime() * 1000),
      heap_used_bytes: heapUsed,
      heap_total_bytes: heapTotal,
      heap_limit_bytes: limit,
      heap_used_percent: round((heapUsed / limit) * 100),
      floor_bytes: current()?.metrics().floor_bytes ?? null,
      external_bytes: external,
      array_buffers_bytes: arrayBuffers,
      rss_bytes: rss,
      container_limit_bytes: container?.limitBytes ?? null,
      container_working_set_bytes: container?.usedBytes ?? null,
    },
  };
}

module.exports = { readMemory };
