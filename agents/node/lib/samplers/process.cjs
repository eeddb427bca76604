'use strict';

const path = require('node:path');
const { isMainThread } = require('node:worker_threads');

const { readText } = require('../snapshot/cgroup.cjs');

const US_PER_MS = 1000;
const BYTES_PER_KB = 1024;

/** Metric → line of /proc/self/status, in KB. (smaps_rollup has more, and walks all pages for it.) */
const STATUS = Object.freeze({
  rss_anon_bytes: 'RssAnon',
  rss_file_bytes: 'RssFile',
  rss_shmem_bytes: 'RssShmem',
  vm_bytes: 'VmSize',
  vm_data_bytes: 'VmData',
});

const NAMES = ['rss_bytes', 'cpu_user_ms', 'cpu_system_ms', 'uptime_ms'];

/** What only the process as a whole has. Worker threads leave it to the main thread. */
function open({ root = '/' } = {}) {
  const isLinux = root !== '/' || process.platform === 'linux';
  const file = path.join(root, 'proc/self/status');
  const begun = performance.now();
  return {
    read(sample) {
      sample.uptime_ms = isMainThread ? process.uptime() * 1000 : performance.now() - begun;
      if (!isMainThread) return;
      const { user, system } = process.cpuUsage();
      sample.rss_bytes = process.memoryUsage.rss();
      sample.cpu_user_ms = user / US_PER_MS;
      sample.cpu_system_ms = system / US_PER_MS;
      const status = isLinux ? readText(file) : null;
      if (status === null) return;
      for (const [metric, key] of Object.entries(STATUS)) {
        const at = status.indexOf(`\n${key}:`);
        // parseInt skips the blanks and stops at the unit.
        if (at >= 0) sample[metric] = Number.parseInt(status.slice(at + key.length + 2, at + 40), 10) * BYTES_PER_KB;
      }
    },
    close() {},
  };
}

module.exports = { name: 'process', metrics: [...NAMES, ...Object.keys(STATUS)], open };
