'use strict';

const { Agent } = require('./lib/agent.cjs');
const begun = require('./lib/begun.cjs');
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
  if (agent.options.otlp) exportOtlp({ endpoint: agent.options.otlp });
  return true;
}

/** Stops the agent of this thread and takes back everything that was begun here. */
function stop() {
  const agent = current();
  if (agent) {
    setCurrent(null);
    agent.stop();
  }
  return begun.endAll() || agent !== null;
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

/** The events of this thread, loaded when somebody listens. */
function events() {
  return begun.once('events', () => new (require('./lib/events/index.cjs').Events)());
}

/** Calls `listener` at every event of that name; returns what ends it. */
function on(name, listener) {
  return events().on(name, listener);
}

/** Calls `listener` at the next event of that name; returns what takes that back. */
function once(name, listener) {
  return events().once(name, listener);
}

/** Ends what `on` or `once` began; says whether there was something. */
function off(name, listener) {
  return events().off(name, listener);
}

/** What Prometheus scrapes, in this thread. */
function exporter(options) {
  return begun.once('prometheus', () => new (require('./lib/metrics/exporter.cjs').Exporter)(options));
}

/** Resolves with the page for Prometheus. Counts begin with the first call, or with `metricsHandler`. */
async function prometheus(options = {}) {
  return exporter(options).text(options);
}

/** Returns a handler `(request, response)` that answers with that page. */
function metricsHandler(options = {}) {
  exporter(options).begin(options);
  return require('./lib/metrics/handler.cjs').metricsHandler(() => exporter(options).text(options));
}

/** Exports metrics to an OpenTelemetry collector until `stop()` of what it returns, or of everything. */
function exportOtlp(options = {}) {
  const otlp = begun.once('otlp', () => require('./lib/otlp/index.cjs').beginExport(options));
  return {
    // Who asks for it wants it sent, for instance before the process ends.
    flush: () => otlp.flush({ hold: true }),
    stop() {
      begun.remove('otlp');
      otlp.close();
    },
  };
}

/** Returns a router for the admin endpoints; throws without `authorize` or a token. */
function admin(options) {
  return require('./lib/admin/index.cjs').admin(options);
}

module.exports = { admin, armNearHeapLimit, exportOtlp, metrics, metricsHandler, off, on, once, prometheus, snapshot, start, stop, version };
