'use strict';

// Whether the floor (heap used after major collections) keeps growing: memory and time are bounded
// however long the process lives, and what a detector needs beyond that (load, earlier lives of the
// service) only the collector has.

const MAX_BUCKETS = 64;
// A quarter is left out as warm-up; twelve remain.
const MIN_BUCKETS = 16;
const WARM_UP_SHARE = 0.25;
// Within its own time constant a cache that fills up is a straight line like any leak.
const MIN_SPAN_MS = 3_600_000;
// Autocorrelated noise alone comes to 2 or 3.
const MIN_Z = 6;
const MAX_CORRELATION = 0.98;
// The growth of a cache that fills up halves and halves again; a leak's does not.
const MIN_STEADINESS = 0.6;
const MIN_GROWTH_BYTES = 1_000_000;
const MIN_GROWTH_SHARE = 0.02;
// One look in a row is wrong four times as often as three.
const PERSISTENCE = 3;

const median = (values) => {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Theil and Sen: the median of the slopes between all pairs, which a few outliers do not move. */
function slopeOf(points) {
  const slopes = [];
  for (let i = 0; i < points.length; i += 1) {
    for (let j = i + 1; j < points.length; j += 1) {
      slopes.push((points[j].floor - points[i].floor) / (points[j].at - points[i].at));
    }
  }
  return median(slopes);
}

/** The slope over its standard error, which is larger by what neighbours have in common. */
function zOf(points, slope) {
  const line = median(points.map(({ at, floor }) => floor - slope * at));
  const rest = points.map(({ at, floor }) => floor - slope * at - line);
  const squares = rest.reduce((sum, value) => sum + value * value, 0);
  const products = rest.reduce((sum, value, i) => sum + (i > 0 ? value * rest[i - 1] : 0), 0);
  const correlation = squares > 0 ? Math.min(MAX_CORRELATION, Math.max(0, products / squares)) : 0;
  const meanAt = points.reduce((sum, { at }) => sum + at, 0) / points.length;
  const spread = points.reduce((sum, { at }) => sum + (at - meanAt) ** 2, 0);
  const variance = squares / (points.length - 2) / spread;
  return slope / Math.sqrt(variance * ((1 + correlation) / (1 - correlation)) || Number.MIN_VALUE);
}

class FloorTrend {
  #buckets = [];
  #bucketMs;
  #inARow = 0;

  constructor(bucketMs = 30_000) {
    this.#bucketMs = bucketMs;
  }

  /** Adds a floor; returns the trend when this one ends a bucket and enough in a row have grown, else null. */
  add(atMs, floor) {
    const index = Math.floor(atMs / this.#bucketMs);
    const last = this.#buckets.at(-1);
    if (last && last.index === index) {
      // The least of a bucket: what the observer is told late has new objects in it.
      if (floor < last.floor) Object.assign(last, { at: atMs, floor });
      return null;
    }
    const trend = this.#judge();
    this.#buckets.push({ index, at: atMs, floor });
    if (this.#buckets.length >= MAX_BUCKETS) this.#merge();
    this.#inARow = trend ? this.#inARow + 1 : 0;
    return this.#inARow >= PERSISTENCE ? trend : null;
  }

  #judge() {
    if (this.#buckets.length < MIN_BUCKETS) return null;
    const points = this.#buckets.slice(Math.floor(this.#buckets.length * WARM_UP_SHARE));
    const [first, last] = [points[0], points.at(-1)];
    if (last.at - first.at < MIN_SPAN_MS) return null;
    const slope = slopeOf(points);
    const growth = slope * (last.at - first.at);
    if (growth < Math.max(MIN_GROWTH_BYTES, first.floor * MIN_GROWTH_SHARE)) return null;
    const half = points.length >> 1;
    if (slopeOf(points.slice(half)) < slopeOf(points.slice(0, half)) * MIN_STEADINESS) return null;
    if (zOf(points, slope) < MIN_Z) return null;
    return { startMs: first.at, endMs: last.at, growth, bytesPerHour: slope * 3_600_000, collections: points.length };
  }

  #merge() {
    this.#bucketMs *= 2;
    const merged = [];
    for (const bucket of this.#buckets) {
      const index = Math.floor(bucket.at / this.#bucketMs);
      const last = merged.at(-1);
      if (last?.index !== index) merged.push({ ...bucket, index });
      else if (bucket.floor < last.floor) Object.assign(last, bucket, { index });
    }
    this.#buckets = merged;
  }
}

module.exports = { FloorTrend };
