'use strict';

// Counters and histograms as differences to the last export that was taken. One that was not taken changes
// nothing here: the next has its share too, so nothing is lost and nothing has to be kept.

const isTotal = ({ kind }) => kind === 'counter' || kind === 'histogram';
const keyOf = (name, attributes) => `${name} ${JSON.stringify(attributes ?? {})}`;

function subtract(point, before) {
  if (!point.counts) return { ...point, value: point.value - (before?.value ?? 0) };
  // Least and largest are of the whole life, not of the difference.
  const { min: _min, max: _max, ...rest } = point;
  return {
    ...rest,
    counts: point.counts.map((count, i) => count - (before?.counts[i] ?? 0)),
    sum: point.sum - (before?.sum ?? 0),
  };
}

/** Turns totals into what an exporter with that temporality sends. */
class Deltas {
  #wanted;
  #sent = new Map();
  #sentMs;
  #startMs;

  constructor(temporality, startMs) {
    // "lowmemory": deltas for what is recorded as it happens, totals for what is looked up.
    this.#wanted = { cumulative: () => false, delta: isTotal, lowmemory: ({ kind }) => kind === 'histogram' }[temporality];
    this.#startMs = startMs;
    this.#sentMs = startMs;
  }

  /** `{metrics, commit}`: what to send, and what to call when it was taken. */
  prepare(metrics, atMs) {
    const sent = new Map();
    const prepared = metrics.map((metric) => {
      if (!this.#wanted(metric)) return { ...metric, isDelta: false, times: { startMs: this.#startMs, atMs } };
      const points = metric.points.map((point) => {
        const key = keyOf(metric.name, point.attributes);
        // A copy: counts go on in place.
        sent.set(key, point.counts ? { counts: [...point.counts], sum: point.sum } : { value: point.value });
        return subtract(point, this.#sent.get(key));
      });
      return { ...metric, points, isDelta: true, times: { startMs: this.#sentMs, atMs } };
    });
    const commit = () => {
      this.#sent = sent;
      this.#sentMs = atMs;
    };
    return { metrics: prepared, commit };
  }
}

module.exports = { Deltas };
