'use strict';

const requests = require('../samplers/requests.cjs');

// Buckets of a sample are 16 per power of two milliseconds from 2^-10 on; each bound here is one of theirs, so
// nothing is moved across it. 1 ms to 16 s.
const PER_OCTAVE = 16;
const LOWEST_EXPONENT = -10;
const OCTAVES = Array.from({ length: 15 }, (_, exponent) => exponent);
const BOUNDS_S = Object.freeze(OCTAVES.map((exponent) => 2 ** exponent / 1000));

const MAX_ROUTES = 100;
const OTHER = 'other';

/** Seconds in the middle of a bucket. */
const middleOf = (bucket) => 2 ** ((bucket + 0.5) / PER_OCTAVE + LOWEST_EXPONENT) / 1000;

/** Place among BOUNDS_S of a bucket; one more than there are for what is above. */
function placeOf(bucket) {
  const exponent = Math.floor(bucket / PER_OCTAVE) + LOWEST_EXPONENT;
  return Math.min(OCTAVES.length, Math.max(0, exponent + 1));
}

/**
 * Durations and statuses of HTTP requests by route since it was opened: the sampler's intervals, added up.
 * Routes beyond the first 100 are counted together.
 */
class HttpDurations {
  #reader;
  #routes = new Map();

  constructor(context) {
    this.#reader = requests.open(context);
  }

  /** Takes what came since the last call. Returns the sampler's other fields. */
  read() {
    const { http = [], ...sample } = this.#sample();
    // The first is all routes together.
    for (const row of http.slice(1)) this.#add(row);
    return sample;
  }

  /** `[route, {counts, sum, statuses}]`; statuses is a Map of class (`2xx`) → count. */
  get byRoute() {
    return this.#routes.entries();
  }

  close() {
    this.#reader.close();
  }

  #sample() {
    const sample = {};
    this.#reader.read(sample, { reset: true });
    return sample;
  }

  #add({ route, statuses, buckets }) {
    const known = this.#routes.has(route) || this.#routes.size < MAX_ROUTES;
    const name = known ? route : OTHER;
    if (!this.#routes.has(name)) {
      this.#routes.set(name, { counts: new Array(OCTAVES.length + 1).fill(0), sum: 0, statuses: new Map() });
    }
    const durations = this.#routes.get(name);
    for (const [bucket, count] of buckets) {
      durations.counts[placeOf(bucket)] += count;
      durations.sum += count * middleOf(bucket);
    }
    for (const [status, count] of Object.entries(statuses)) {
      durations.statuses.set(status, (durations.statuses.get(status) ?? 0) + count);
    }
  }
}

module.exports = { BOUNDS_S, HttpDurations };
