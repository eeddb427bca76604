'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { isMainThread } = require('node:worker_threads');

const { now } = require('../clock.cjs');
const { readText } = require('../snapshot/cgroup.cjs');

// Where the kernel does not count them (before Linux 6.2), they have to be listed.
const MIN_AGE_MS = 10_000;

/** Open file descriptors of the process and how many it may have; not in worker threads. */
function open({ root = '/' } = {}) {
  const isThere = isMainThread && (root !== '/' || process.platform === 'linux');
  const folder = path.join(root, 'proc/self/fd');
  const figures = {};
  let readAt = -Infinity;
  return {
    read(sample) {
      if (!isThere) return;
      if (now() - readAt >= MIN_AGE_MS) {
        readAt = now();
        // The size of this folder is the number of descriptors; a real folder's is a multiple of its block.
        const { size } = fs.statSync(folder);
        // One of those listed is that of the listing.
        figures.fds = size > 0 && root === '/' ? size : Math.max(0, fs.readdirSync(folder).length - (root === '/' ? 1 : 0));
        const limit = /^Max open files +(\d+)/m.exec(readText(path.join(root, 'proc/self/limits')) ?? '');
        if (limit) figures.fds_limit = Number(limit[1]);
      }
      Object.assign(sample, figures);
    },
    close() {},
  };
}

module.exports = { name: 'fds', metrics: ['fds', 'fds_limit'], open };
