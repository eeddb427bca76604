'use strict';

const { isMainThread } = require('node:worker_threads');

const US_PER_MS = 1000;

/** What only the process as a whole has. Worker threads leave it to the main thread. */
function open() {
  return {
    read(sample) {
      if (!isMainThread) return;
      const { user, system } = process.cpuUsage();
      sample.rss_bytes = process.memoryUsage.rss();
      sample.cpu_user_ms = user / US_PER_MS;
      sample.cpu_system_ms = system / US_PER_MS;
    },
    close() {},
  };
}

module.exports = { name: 'process', metrics: ['rss_bytes', 'cpu_user_ms', 'cpu_system_ms'], open };
