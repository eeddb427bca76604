'use strict';

const { Agent } = require('./lib/agent.cjs');
const { readOptions } = require('./lib/options.cjs');
const { SAMPLERS, openSamplers, readSamplers, closeSamplers } = require('./lib/samplers/index.cjs');
const { current, setCurrent } = require('./lib/state.cjs');
const { version } = require('./package.json');

/** Starts the agent in this thread, unless it runs already. Options override the environment. */
function start(options = {}) {
  if (current()) return false;
  const agent = new Agent(readOptions(process.env, options));
  setCurrent(agent);
  agent.start();
  return true;
}

/** Stops the agent of this thread and takes back everything it installed. */
function stop() {
  const agent = current();
  if (!agent) return false;
  setCurrent(null);
  agent.stop();
  return true;
}

/** Writes a heap snapshot; rejects with the figures when that would not be safe. */
async function snapshot(options = {}) {
  const agent = current();
  if (agent) return agent.snapshot({ reason: 'api', ...options });
  const { service, release, snapshotDir } = readOptions(process.env);
  return require('./lib/snapshot/index.cjs').take({
    reason: 'api', dir: snapshotDir, service, release, ...options,
  });
}

/** Arms V8's own snapshot at the heap limit; says whether it is armed, and if not, why. */
function armNearHeapLimit() {
  return require('./lib/snapshot/index.cjs').armNearLimit();
}

/** Returns one sample now. Without a running agent it has only what needs no history. */
function metrics() {
  const agent = current();
  if (agent) return agent.metrics();
  const readers = openSamplers({}, SAMPLERS.filter((sampler) => !sampler.needsHistory));
  try {
    return readSamplers(readers, { reset: false });
  } finally {
    closeSamplers(readers);
  }
}

module.exports = { armNearHeapLimit, metrics, snapshot, start, stop, version };
