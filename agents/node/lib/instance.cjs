'use strict';

const os = require('node:os');
const threads = require('node:worker_threads');

const { version: agentVersion } = require('../package.json');

/**
 * - `worker`: a worker thread.
 * - `cluster-worker`: forked by `cluster`.
 * - `child`: has a channel to its parent (`fork`). A child without one looks like a main process;
 *   `ppid` tells whose it is.
 */
function roleOf() {
  if (!threads.isMainThread) return 'worker';
  if (typeof process.send !== 'function') return 'main';
  // Only loaded with a channel: it pulls in a good part of `net`.
  return require('node:cluster').isWorker ? 'cluster-worker' : 'child';
}

/** Who this is: a process, or one worker thread of it. The id is unique across restarts and hosts. */
function describeInstance() {
  const host = os.hostname();
  // The collector takes letters, digits and ._- only, beginning with a letter or digit.
  const named = host.replace(/[^A-Za-z0-9._-]/g, '_').replace(/^[._-]+/, '').slice(0, 80) || 'host';
  // Containers number their processes from 1 and reuse host names; the random part tells them apart.
  // It is no secret, and node:crypto would be half a megabyte of heap.
  const random = Math.random().toString(36).slice(2, 10).padEnd(8, '0');
  const id = `${named}-${process.pid}-${threads.threadId}-${random}`;
  return Object.freeze({
    id,
    host,
    pid: process.pid,
    ppid: process.ppid,
    thread: threads.threadId,
    role: roleOf(),
    node: process.versions.node,
    agent: agentVersion,
    started_ms: Date.now(),
  });
}

module.exports = { describeInstance };
