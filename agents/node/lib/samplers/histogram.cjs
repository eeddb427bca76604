'use strict';

// 16 buckets per power of two (a value is off by 3 % at most), from 2^-10 to 2^22 ms.
const LOWEST_EXPONENT = -10;
const OCTAVES = 32;
const BUCKETS_PER_OCTAVE = 16;
const SIZE = OCTAVES * BUCKETS_PER_OCTAVE;
const EXPONENT_BIAS = 1023;
const OFFSET = (LOWEST_EXPONENT + EXPONENT_BIAS) * BUCKETS_PER_OCTAVE;

/**
 * Durations in milliseconds, in 2 KiB. The bucket is cut out of the number's own bits (exponent and
 * the upper 4 bits of the mantissa): a native histogram's `record` costs several times as much.
 */
class Histogram {
  #counts = new Uint32Array(SIZE);
  #double = new Float64Array(1);
  #words = new Uint32Array(this.#double.buffer);
  #high = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;
  count = 0;

  record(ms) {
    this.#double[0] = ms;
    const bucket = (this.#words[this.#high] >>> 16) - OFFSET;
    // Zero and what is below the range fall into the first bucket; above it, into the last.
    this.#counts[bucket < 0 ? 0 : bucket >= SIZE ? SIZE - 1 : bucket] += 1;
    this.count += 1;
  }

  /** The value (middle of its bucket) that `share` of all values do not exceed; null when empty. */
  quantile(share) {
    if (this.count === 0) return null;
    let left = Math.max(1, Math.ceil(share * this.count));
    for (let bucket = 0; bucket < SIZE; bucket += 1) {
      left -= this.#counts[bucket];
      if (left <= 0) return middleOf(bucket);
    }
    return middleOf(SIZE - 1);
  }

  /** Adds what another one counted. */
  merge(other) {
    for (let bucket = 0; bucket < SIZE; bucket += 1) this.#counts[bucket] += other.#counts[bucket];
    this.count += other.count;
  }

  /** `[[bucket, count], …]` of those that are not empty; bucket b begins at 2^(b/16 − 10) ms. */
  buckets() {
    const pairs = [];
    for (let bucket = 0; bucket < SIZE; bucket += 1) {
      if (this.#counts[bucket] > 0) pairs.push([bucket, this.#counts[bucket]]);
    }
    return pairs;
  }

  reset() {
    this.#counts.fill(0);
    this.count = 0;
  }
}

function middleOf(bucket) {
  const exponent = Math.floor(bucket / BUCKETS_PER_OCTAVE) + LOWEST_EXPONENT;
  const fraction = (bucket % BUCKETS_PER_OCTAVE) / BUCKETS_PER_OCTAVE;
  return 2 ** exponent * (1 + fraction + 0.5 / BUCKETS_PER_OCTAVE);
}

module.exports = { Histogram };
