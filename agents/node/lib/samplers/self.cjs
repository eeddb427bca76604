'use strict';

/**
 * What the agent itself costs: CPU time of everything but what runs at every request and collection
 * (too short to time; see the benchmark), and memory: what loading took and what waits to be sent.
 */
function open({ guard, ownBytes }) {
  return {
    read(sample) {
      sample.agent_cpu_ms = guard.ownMs;
      sample.agent_bytes = ownBytes();
    },
    close() {},
  };
}

module.exports = { name: 'self', metrics: ['agent_cpu_ms', 'agent_bytes'], needsHistory: true, open };
