'use strict';

// One snapshot at a time per host group: processes of one service, user and temporary folder, so that the
// workers of a cluster never all stop at once. A lock file made by link(2), which fails if it exists and
// shows its content at once; the lock of a dead process is taken over.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { threadId } = require('node:worker_threads');
const { isAlive } = require('./stale.cjs');
const { safePart } = require('./names.cjs');

const TAKEOVER_LASTS_MS = 10_000;

function user() {
  return typeof process.getuid === 'function' ? process.getuid() : safePart(os.userInfo().username, 'user');
}

/** Path of a service's lock; `.last` beside it is touched after each snapshot. */
function lockPath(service) {
  return path.join(os.tmpdir(), `heapsleuth-${safePart(service, 'node')}-${user()}.lock`);
}

/** When a process began, in kernel ticks, so that a process id used again is not taken for the old one. */
function startOf(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return null;
  }
}

function readHolder(file) {
  try {
    const holder = JSON.parse(fs.readFileSync(file, 'utf8'));
    return Number.isInteger(holder.pid) && holder.pid > 0 ? holder : { pid: 0 };
  } catch (error) {
    // Not JSON: nobody of ours wrote it, and link(2) never shows half a file.
    return error.code ? null : { pid: 0 };
  }
}

function isHeld(holder) {
  if (!holder.pid || !isAlive(holder.pid)) return false;
  const start = startOf(holder.pid);
  return !(start && holder.start && start !== holder.start);
}

function link(file) {
  const own = `${file}.${process.pid}.${threadId}`;
  try {
    fs.writeFileSync(own, JSON.stringify({ pid: process.pid, start: startOf(process.pid), since: new Date() }));
    fs.linkSync(own, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    fs.rmSync(own, { force: true });
  }
}

/** Remove a dead process's lock, one process at a time: else the second would remove the first one's new lock. */
function removeDead(file) {
  const guard = `${file}.takeover`;
  try {
    fs.mkdirSync(guard);
  } catch {
    try {
      if (Date.now() - fs.statSync(guard).mtimeMs > TAKEOVER_LASTS_MS) fs.rmdirSync(guard);
    } catch {
      // Gone by now.
    }
    return;
  }
  try {
    const holder = readHolder(file);
    if (holder && !isHeld(holder)) fs.unlinkSync(file);
  } finally {
    fs.rmdirSync(guard);
  }
}

/**
 * Take the lock: `{held: true, release}`, or `{held: false, holder}` with the process that has it.
 * Where there is no folder to lock in, the snapshot goes ahead unlocked and `why` says so.
 */
function acquire(service) {
  const file = lockPath(service);
  const release = () => fs.rmSync(file, { force: true });
  try {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      if (link(file)) return { held: true, release };
      const holder = readHolder(file);
      if (holder && isHeld(holder)) return { held: false, holder };
      if (holder) removeDead(file);
    }
    return { held: false, holder: readHolder(file) ?? { pid: 0 } };
  } catch (error) {
    return { held: true, release: () => {}, why: `no lock: ${error.message}` };
  }
}

/** When a process of this host group last took a snapshot, in ms since the epoch; 0 if never. */
function lastTakenMs(service) {
  try {
    return fs.statSync(`${lockPath(service)}.last`).mtimeMs;
  } catch {
    return 0;
  }
}

function markTaken(service) {
  try {
    fs.writeFileSync(`${lockPath(service)}.last`, `${process.pid}\n`);
  } catch {
    // Then the cooldown holds within this process only.
  }
}

module.exports = { acquire, lastTakenMs, lockPath, markTaken };
