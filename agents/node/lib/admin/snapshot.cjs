'use strict';

const path = require('node:path');

const { describeError } = require('../errors.cjs');
const { readOptions } = require('../options.cjs');
const { current } = require('../state.cjs');

const REASON = 'admin';

/** Takes a snapshot unless the pre-flight refuses; a running agent tells the collector of it either way. */
async function takeSnapshot({ dir, profile, cooldownMs }) {
  const agent = current();
  const options = { dir, profile, cooldownMs, reason: REASON };
  const report = (outcome) => agent?.report({ type: 'snapshot', reason: REASON, ...outcome });
  try {
    const result = agent ? await agent.snapshot(options) : await takeAlone(options);
    report({ ok: true, ...result });
    const name = path.basename(result.path);
    return {
      status: 201,
      headers: { location: `heap-snapshots/${encodeURIComponent(name)}` },
      body: { name, ...result },
      detail: { name, bytes: result.bytes },
    };
  } catch (error) {
    report({ ok: false, error: describeError(error) });
    throw error;
  }
}

function takeAlone(options) {
  const { service, release } = readOptions(process.env);
  return require('../snapshot/index.cjs').take({ service, release, ...options });
}

module.exports = { takeSnapshot };
