'use strict';

// What runs at every request and at every collection is too short to time; the benchmark says this much.
const REQUEST_US = 0.6;
const COLLECTION_US = 45;

/**
 * What the agent itself costs: CPU time, most of it timed, the rest counted; and memory: what loading took, what
 * the samplers keep and what waits to be sent.
 */
function open({ guard, ownBytes }) {
  return {
    read(sample) {
      const counted = (sample.requests_total ?? 0) * REQUEST_US + (sample.gc_count ?? 0) * COLLECTION_US;
      sample.agent_cpu_ms = guard.ownMs + counted / 1000;
      sample.agent_bytes = ownBytes();
    },
    close() {},
  };
}

module.exports = { name: 'self', metrics: ['agent_cpu_ms', 'agent_bytes'], needsHistory: true, open };
