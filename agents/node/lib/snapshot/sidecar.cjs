'use strict';

// FILE.json beside a snapshot: where it comes from, after how much work, what was predicted and what it cost.

const os = require('node:os');
const { threadId } = require('node:worker_threads');
const { writeWhole } = require('./file.cjs');

// Version 1: format, version, service, release, host, pid, thread, node, time, reason, work, counters,
// predicted, actual.
const FORMAT = 'heapsleuth/sidecar';
const VERSION = 1;

function sidecarName(file) {
  return `${file}.json`;
}

/** `work` is what rates are computed by: HTTP requests finished so far; null where nobody counted. */
function writeSidecar(file, { service, release, time, reason, counters, predicted, actual }) {
  const known = counters ?? {};
  const content = {
    format: FORMAT,
    version: VERSION,
    service: service ?? null,
    release: release ?? null,
    host: os.hostname(),
    pid: process.pid,
    thread: threadId,
    node: process.versions.node,
    time: time.toISOString(),
    uptime_ms: Math.round(process.uptime() * 1000),
    reason,
    work: known.work ?? known.requests_total ?? null,
    counters: known,
    predicted,
    actual,
  };
  // No work, no key: `analyze` takes work from sidecars only if each has a number.
  if (content.work === null) delete content.work;
  writeWhole(sidecarName(file), `${JSON.stringify(content)}\n`);
}

module.exports = { sidecarName, writeSidecar };
