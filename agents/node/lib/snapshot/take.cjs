'use strict';

// Takes a snapshot, or says why not: lock, look, ask whether it fits, write, validate, rename.

const fs = require('node:fs');
const path = require('node:path');
const { after } = require('../clock.cjs');
const { excused } = require('../excused.cjs');
const { asSnapshotError, checkFolder, discard, validateSnapshot } = require('./file.cjs');
const { unsupported, writeHeap } = require('./heap-file.cjs');
const lock = require('./lock.cjs');
const { baseName, partialName } = require('./names.cjs');
const { learn } = require('./predict.cjs');
const { preflight, refusal, remember } = require('./preflight.cjs');
const { writeProfile } = require('./profile.cjs');
const { SnapshotError } = require('./refusal.cjs');
const { sidecarName, writeSidecar } = require('./sidecar.cjs');
const { removeStale } = require('./stale.cjs');

const EXTENSION = '.heapsnapshot';
const WAIT_STEP_MS = 100;

// Refused for want of room, where a profile of some kilobytes may still do.
const PROFILE_INSTEAD = new Set(['too-near-limit', 'memory', 'disk']);

let running = false;

/** `{folder, base}`; `path` names the file, `dir` only the folder. */
function place({ path: file, dir, service, release, reason, time }) {
  if (!file) return { folder: path.resolve(dir ?? '.'), base: baseName({ service, release, reason, date: time }) };
  const whole = path.resolve(file);
  return { folder: path.dirname(whole), base: path.basename(whole).replace(/\.heapsnapshot$/, '') };
}

function checkCooldown(service, cooldownMs) {
  const since = Date.now() - lock.lastTakenMs(service);
  if (cooldownMs > 0 && since < cooldownMs) {
    const wait = Math.ceil((cooldownMs - since) / 1000);
    throw new SnapshotError(
      'cooldown',
      `refused: the last snapshot of ${service ?? 'this service'} was ${Math.round(since / 1000)} s ago; ` +
        `the next may be in ${wait} s (cooldown ${cooldownMs / 1000} s), or use force`,
      { since_ms: Math.round(since), cooldown_ms: cooldownMs },
    );
  }
}

function busy(holder) {
  const whose = holder.pid && holder.pid !== process.pid ? `process ${holder.pid}` : 'this process';
  return new SnapshotError('busy', `refused: ${whose} is taking a snapshot, one at a time; try again later`, {
    pid: holder.pid || process.pid,
  });
}

/** The lock, waited for up to `waitMs`. */
async function acquire(service, waitMs) {
  const end = Date.now() + waitMs;
  for (;;) {
    const held = lock.acquire(service);
    if (held.held || Date.now() >= end) return held;
    await new Promise((resolve) => after(WAIT_STEP_MS, resolve));
  }
}

async function write(file, figures, options, time) {
  const partial = partialName(file);
  try {
    const cost = excused(() => writeHeap(partial, options));
    const size = await validateSnapshot(partial);
    const actual = { ...size, ...cost };
    // Before the rename: who sees the snapshot also finds its work.
    writeSidecar(file, { ...options, time, predicted: figures.predicted, actual });
    fs.renameSync(partial, file);
    remember(learn(figures.basis, figures.predicted, actual));
    return actual;
  } catch (error) {
    discard(partial);
    // A sidecar without its snapshot would be taken for that of the next file of this name.
    if (!fs.existsSync(file)) fs.rmSync(sidecarName(file), { force: true });
    throw asSnapshotError(error, file);
  }
}

async function takeLocked(options) {
  const time = new Date();
  const { folder, base } = place({ ...options, time });
  checkFolder(folder);
  removeStale(folder);
  if (!options.force) checkCooldown(options.service, options.cooldownMs ?? 0);
  const figures = preflight({ folder, gc: true });
  const no = options.force ? null : refusal(figures);
  if (no) {
    if (!options.profile || !PROFILE_INSTEAD.has(no.code)) throw no;
    const wanted = options.profile === true ? {} : options.profile;
    const profile = await writeProfile(path.join(folder, `${base}.heapprofile`), wanted);
    return { kind: 'profile', ...profile, refused: no.toJSON() };
  }
  const file = path.join(folder, base + EXTENSION);
  const actual = await write(file, figures, { ...options, reason: options.reason ?? 'request' }, time);
  lock.markTaken(options.service);
  return {
    kind: 'snapshot',
    path: file,
    sidecar: sidecarName(file),
    ...actual,
    predicted: figures.predicted,
    ignored: unsupported(options),
  };
}

/**
 * Take a heap snapshot. Resolves to
 * `{kind: 'snapshot', path, sidecar, bytes, nodes, edges, pause_ms, pause_cpu_ms, extra_bytes, predicted, ignored}`,
 * or with `profile` to `{kind: 'profile', path, bytes, seconds, refused}` when it would not fit.
 * Rejects with a SnapshotError (`code`, `text`, `figures`), and then leaves no file behind.
 *
 * Options, all optional: dir | path, reason, force, waitMs (for another process's snapshot to end; default 0:
 * fail with code busy at once), cooldownMs, profile (true or {session, seconds}),
 * exposeInternals, exposeNumericValues (Node 20 and later), stringLimit, service, release,
 * counters (an object; its `work` or `requests_total` becomes the sidecar's `work`).
 */
async function take(options = {}) {
  // Two calls in one process share the lock's process id, so the process has a flag of its own.
  if (running) throw busy({ pid: process.pid });
  running = true;
  try {
    const held = await acquire(options.service, options.waitMs ?? 0);
    if (!held.held) throw busy(held.holder);
    try {
      return await takeLocked(options);
    } finally {
      held.release();
    }
  } catch (error) {
    throw asSnapshotError(error, options.path ?? options.dir ?? '.');
  } finally {
    running = false;
  }
}

module.exports = { take };
