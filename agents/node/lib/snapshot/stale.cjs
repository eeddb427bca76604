'use strict';

// Removes what writers left that were killed midway: partial files whose process is gone.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { partialWriter, safePart } = require('./names.cjs');

/** Whether a process with that id runs; one of another user counts. */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/**
 * Delete partial files of dead processes of this host in a folder, and return their names.
 * A folder shared by several hosts is safe: process ids mean nothing there, so the host has to match.
 * A container's next process often has the same id (1): then the file must be older than the process.
 */
function removeStale(folder) {
  const host = safePart(os.hostname(), 'host');
  const started = Date.now() - process.uptime() * 1000;
  const removed = [];
  let names = [];
  try {
    names = fs.readdirSync(folder);
  } catch {
    return removed;
  }
  for (const name of names) {
    const writer = partialWriter(name);
    if (!writer || writer.host !== host) continue;
    const file = path.join(folder, name);
    try {
      const ours = writer.pid === process.pid;
      if (ours ? fs.statSync(file).mtimeMs >= started : isAlive(writer.pid)) continue;
      fs.unlinkSync(file);
      removed.push(name);
    } catch {
      // Somebody else was quicker, or it is not ours to delete.
    }
  }
  return removed;
}

module.exports = { isAlive, removeStale };
