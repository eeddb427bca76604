'use strict';

const { isMajor, watchCollections } = require('../collections.cjs');
const { readFloor } = require('../samplers/gc.cjs');

// memwatch's: its two moving averages are over 10 and over up to 120 collections.
const RECENT = 10;
const ANCIENT = 120;

/**
 * memwatch's statistics: the floor (heap used after a major collection) and its moving averages.
 * `usage_trend` is the percentage by which the recent average is above the long one.
 */
class FloorStats {
  count = 0;
  min = Infinity;
  max = 0;
  base = 0;
  #recent = 0;
  #ancient = 0;

  add(floor) {
    this.count += 1;
    this.base = floor;
    this.min = Math.min(this.min, floor);
    this.max = Math.max(this.max, floor);
    // The first values count in full, so that the averages do not begin at zero.
    this.#recent += (floor - this.#recent) / Math.min(this.count, RECENT);
    this.#ancient += (floor - this.#ancient) / Math.min(this.count, ANCIENT);
  }

  get estimatedBase() {
    return Math.round(this.#recent);
  }

  get usageTrend() {
    return Math.round(((this.#recent - this.#ancient) / this.#ancient) * 1000) / 10;
  }
}

/** `stats`: after major collections (several that Node tells of at once make one event). */
function open({ guard, emit }) {
  const floors = new FloorStats();
  let full = 0;
  let partial = 0;
  const close = watchCollections(guard, (entries) => {
    const majors = entries.filter(isMajor).length;
    full += majors;
    partial += entries.length - majors;
    if (majors === 0) return;
    floors.add(readFloor());
    emit({
      at: new Date(),
      num_full_gc: full,
      num_inc_gc: partial,
      heap_compactions: full,
      base: floors.base,
      current_base: floors.base,
      estimated_base: floors.estimatedBase,
      min: floors.min,
      max: floors.max,
      usage_trend: floors.usageTrend,
    });
  });
  return { close };
}

module.exports = { FloorStats, open };
