'use strict';

const v8 = require('node:v8');

const { isMajor, watchCollections } = require('../collections.cjs');
const { every, wall } = require('../clock.cjs');
const { readFloor } = require('../samplers/gc.cjs');
const { formatBytes } = require('../snapshot/refusal.cjs');
const { FloorTrend } = require('./floor-trend.cjs');

const MS_PER_HOUR = 3_600_000;
// A leak that goes on is told again when it has lasted twice as long.
const AGAIN_AFTER = 2;

/** The event; memwatch's fields `growth`, `reason`, `start`, `end` first. */
function leakEvent({ rule, startMs, endMs, growth, bytesPerHour, basis }) {
  const span = endMs - startMs;
  const lasted = span < 2 * 60_000 ? `${Math.round(span / 1000)} s` : `${Math.round(span / 60_000)} min`;
  return {
    growth: Math.round(growth),
    reason: `potential leak: ${basis} by ${formatBytes(growth)} in ${lasted}, ${formatBytes(bytesPerHour)} per hour`,
    start: new Date(startMs),
    end: new Date(endMs),
    span_ms: span,
    bytes_per_hour: Math.round(bytesPerHour),
    rule,
  };
}

/** The rule by samples: heap used grew by more than so many bytes per sample over a window of them. */
class SampleWindow {
  #samples = [];

  constructor({ leakWindow, leakGrowthBytes }) {
    this.size = leakWindow;
    this.limit = leakGrowthBytes;
  }

  /** Adds a sample; returns an event, and then begins anew, or null. */
  add(atMs, used) {
    this.#samples.push({ atMs, used });
    if (this.#samples.length > this.size) this.#samples.shift();
    if (this.#samples.length < this.size) return null;
    const first = this.#samples[0];
    const growth = used - first.used;
    if (growth <= this.limit * (this.size - 1)) return null;
    this.#samples = [];
    return leakEvent({
      rule: 'window',
      startMs: first.atMs,
      endMs: atMs,
      growth,
      bytesPerHour: (growth / (atMs - first.atMs)) * MS_PER_HOUR,
      basis: `heap used grew over ${this.size} samples`,
    });
  }
}

/**
 * `leak`, by two rules: `window` looks at heap used as it is, garbage included, and is as wrong as that;
 * `floor` looks at what major collections leave. Both are hints; see docs/guides/agent-api.md.
 */
function open({ options, guard, emit }) {
  const window = new SampleWindow(options);
  const trend = new FloorTrend();
  let nextSpanMs = 0;
  const endSamples = every(options.intervalMs, guard.wrap(() => {
    const event = window.add(wall(), v8.getHeapStatistics().used_heap_size);
    if (event) emit(event);
  }));
  const endWatch = watchCollections(guard, (entries) => {
    if (!entries.some(isMajor)) return;
    const found = trend.add(wall(), readFloor());
    if (!found || found.endMs - found.startMs < nextSpanMs) return;
    nextSpanMs = (found.endMs - found.startMs) * AGAIN_AFTER;
    emit(leakEvent({ ...found, rule: 'floor', basis: 'the heap that major collections leave grew steadily' }));
  });
  return {
    close() {
      endSamples();
      endWatch();
    },
  };
}

module.exports = { SampleWindow, open };
