'use strict';

// File names that say what is in the file: service-release-pid-time-reason-sequence.heapsnapshot.

const os = require('node:os');
const { isMainThread, threadId } = require('node:worker_threads');

const LONGEST_PART = 40;
let sequence = 0;

/** Text as part of a file name on any system: letters, digits, `.`, `_`; never empty, never hidden. */
function safePart(text, fallback) {
  const safe = String(text ?? '')
    .replace(/[^A-Za-z0-9._]+/g, '_')
    .replace(/^[._]+|[._]+$/g, '')
    .slice(0, LONGEST_PART);
  return safe || fallback;
}

/** UTC, to the millisecond, without characters that file systems refuse: 20260131T120000.123Z. */
function timePart(date) {
  return date.toISOString().replace(/[-:]/g, '');
}

/** Base name without extension. Worker threads have their thread id behind the process id. */
function baseName({ service, release, reason, date = new Date() }) {
  sequence += 1;
  const pid = isMainThread ? `${process.pid}` : `${process.pid}.${threadId}`;
  return [
    safePart(service, 'node'),
    safePart(release, 'unknown'),
    pid,
    timePart(date),
    safePart(reason, 'request'),
    String(sequence).padStart(3, '0'),
  ].join('-');
}

/** Name of a file being written. Host and process id tell the next start whether its writer is gone. */
function partialName(file) {
  return `${file}.${safePart(os.hostname(), 'host')}-${process.pid}.partial`;
}

/** `{host, pid}` of a partial file's writer, or null if the name is none of ours. */
function partialWriter(name) {
  const match = /\.(?:heapsnapshot|heapprofile)(?:\.json)?\.([A-Za-z0-9._]+)-(\d+)\.partial$/.exec(name);
  return match ? { host: match[1], pid: Number(match[2]) } : null;
}

module.exports = { baseName, partialName, partialWriter, safePart };
