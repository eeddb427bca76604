'use strict';

// What only the kernel knows of the process; on Linux, by /proc. Elsewhere each answers null.

const fs = require('node:fs');

const BYTES_PER_KB = 1024;

function readText(file) {
  try {
    return fs.readFileSync(file, 'latin1');
  } catch {
    return null;
  }
}

/** `{rssBytes, vmBytes, dataBytes, threads}`, or null. */
function processStatus() {
  const text = readText('/proc/self/status');
  if (text === null) return null;
  const number = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? NaN);
  return {
    rssBytes: number('VmRSS') * BYTES_PER_KB,
    vmBytes: number('VmSize') * BYTES_PER_KB,
    dataBytes: number('VmData') * BYTES_PER_KB,
    threads: number('Threads'),
  };
}

/** Open file descriptors, without the one that listing them takes; or null. */
function openFiles() {
  try {
    return fs.readdirSync('/proc/self/fd').length - 1;
  } catch {
    return null;
  }
}

/** The most there may be; Infinity when there is no limit, null where nobody says. */
function openFilesLimit() {
  const soft = /^Max open files\s+(\S+)/m.exec(readText('/proc/self/limits') ?? '')?.[1];
  if (soft === undefined) return null;
  return soft === 'unlimited' ? Infinity : Number(soft);
}

/** `{readBytes, writtenBytes}` on disks; null also where the kernel does not let a process see its own. */
function diskBytes() {
  const text = readText('/proc/self/io');
  const number = (key) => Number(new RegExp(`^${key}: (\\d+)`, 'm').exec(text)?.[1] ?? NaN);
  return text === null ? null : { readBytes: number('read_bytes'), writtenBytes: number('write_bytes') };
}

module.exports = { diskBytes, openFiles, openFilesLimit, processStatus };
