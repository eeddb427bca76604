'use strict';

/**
 * The table of samplers. Each has
 * - `name`, and `metrics`: the keys it may set in a sample;
 * - `open(context)`: starts measuring and returns `{read(sample, {reset}), close()}`, and `bytes` if what it
 *   keeps grows; of the context (see agent.cjs) a sampler needs only `guard`;
 * - `needsHistory`: whether a reading right after `open` says nothing.
 * `reset` begins a new interval for what is measured by interval.
 */
const SAMPLERS = Object.freeze([
  require('./heap.cjs'),
  require('./process.cjs'),
  require('./container.cjs'),
  require('./gc.cjs'),
  require('./loop.cjs'),
  require('./handles.cjs'),
  require('./fds.cjs'),
  require('./listeners.cjs'),
  require('./promises.cjs'),
  require('./requests.cjs'),
  require('./self.cjs'),
]);

const { wall } = require('../clock.cjs');

/** Opens the samplers; one that cannot run on this Node is left out and counted. */
function openSamplers(context, samplers = SAMPLERS) {
  const readers = [];
  for (const sampler of samplers) {
    try {
      readers.push(sampler.open(context));
    } catch (error) {
      context.guard?.record(error);
    }
  }
  return readers;
}

/** Returns a sample of them all. */
function readSamplers(readers, { reset, guard }) {
  const sample = { at_ms: wall() };
  for (const reader of readers) {
    try {
      reader.read(sample, { reset });
    } catch (error) {
      guard?.record(error);
    }
  }
  // Nanoseconds are noise, and half of the message.
  for (const name in sample) {
    const value = sample[name];
    if (typeof value === 'number') sample[name] = Math.round(value * 1000) / 1000;
  }
  return sample;
}

function closeSamplers(readers) {
  for (const reader of readers) {
    try {
      reader.close();
    } catch {
      // The next one still has to be closed.
    }
  }
}

module.exports = { SAMPLERS, closeSamplers, openSamplers, readSamplers };
