'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { threadId } = require('node:worker_threads');

const { after, cancel } = require('./clock.cjs');
const { connect } = require('./inspector.cjs');

// 1 to 2 % of CPU time; V8's default.
const SAMPLING_BYTES = 512 * 1024;
const LONGEST_MS = 600_000;

/** A failure that the asker caused, with a code for programs. */
function refusal(code, text) {
  return Object.assign(new Error(text), { code });
}

/** V8's sampling heap profile: which functions allocated what is still alive. At most one at a time. */
class AllocationProfile {
  #inspector = null;
  #expiry = null;

  async start({ sampling_bytes: samplingBytes = SAMPLING_BYTES, max_ms: maxMs = LONGEST_MS } = {}) {
    if (this.#inspector) throw refusal('busy', 'an allocation profile is running already');
    const inspector = connect();
    this.#inspector = inspector;
    try {
      await inspector.post('HeapProfiler.startSampling', {
        samplingInterval: positive(samplingBytes, 'sampling_bytes'),
      });
      // Nobody may come to stop it.
      this.#expiry = after(Math.min(positive(maxMs, 'max_ms'), LONGEST_MS), () => this.abandon());
    } catch (error) {
      this.abandon();
      throw error;
    }
    return { sampling_bytes: samplingBytes };
  }

  /** Ends it and writes a `.heapprofile`, as Chrome DevTools opens it. Costs a full collection. */
  async stop({ dir, service }) {
    const inspector = this.#inspector;
    if (!inspector) throw refusal('not-running', 'no allocation profile is running; send profile.start first');
    try {
      const { profile } = await inspector.post('HeapProfiler.stopSampling');
      return writeProfile(profile, dir, service);
    } finally {
      this.abandon();
    }
  }

  abandon() {
    cancel(this.#expiry);
    this.#inspector?.disconnect();
    this.#inspector = null;
  }
}

function positive(value, name) {
  if (Number.isFinite(value) && value >= 1) return value;
  throw refusal('bad-command', `${name}: expected a number of at least 1`);
}

function writeProfile(profile, dir, service) {
  const stamp = new Date().toISOString().replace(/[-:]/g, '').replace(/\..*/, 'Z');
  const name = `${service}-${process.pid}-${threadId}-${stamp}`.replace(/[^A-Za-z0-9._-]/g, '_');
  const target = path.join(dir, `${name}.heapprofile`);
  const partial = `${target}.partial`;
  const text = JSON.stringify(profile);
  try {
    fs.writeFileSync(partial, text, { mode: 0o600 });
    fs.renameSync(partial, target);
  } catch (error) {
    fs.rmSync(partial, { force: true });
    throw error;
  }
  return { path: target, bytes: Buffer.byteLength(text) };
}

module.exports = { AllocationProfile, refusal };
