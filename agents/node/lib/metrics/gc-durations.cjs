'use strict';

const { KINDS, kindOf, watchCollections } = require('../collections.cjs');

const MS_PER_S = 1000;

/** Durations of all collections by kind since it was opened, in seconds, over given upper bounds. */
class GcDurations {
  #byKind = new Map();
  #end;

  constructor(guard, bounds) {
    this.bounds = bounds;
    for (const kind of KINDS) {
      this.#byKind.set(kind, { counts: new Array(bounds.length + 1).fill(0), sum: 0, min: Infinity, max: 0 });
    }
    this.#end = watchCollections(guard, (entries) => {
      for (const entry of entries) this.#add(kindOf(entry), entry.duration / MS_PER_S);
    });
  }

  /** `[kind, {counts, sum, min, max}]` of every kind; counts are by bucket, the last above all bounds. */
  get byKind() {
    return this.#byKind.entries();
  }

  close() {
    this.#end();
  }

  #add(kind, seconds) {
    const durations = this.#byKind.get(kind);
    if (!durations) return;
    let bucket = 0;
    while (bucket < this.bounds.length && seconds > this.bounds[bucket]) bucket += 1;
    durations.counts[bucket] += 1;
    durations.sum += seconds;
    durations.min = Math.min(durations.min, seconds);
    durations.max = Math.max(durations.max, seconds);
  }
}

module.exports = { GcDurations };
