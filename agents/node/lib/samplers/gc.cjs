'use strict';

const v8 = require('node:v8');

const { after, cancel, now } = require('../clock.cjs');
const { KINDS, isMajor, kindOf, watchCollections } = require('../collections.cjs');
const { MajorSignal } = require('./major-signal.cjs');

// Node itself spends 50 µs and more on telling of a collection (on a busy machine several hundred), and a program
// that fills its young generation makes dozens a second. So above 12 a second the first of each quarter are watched
// and stand for the rest of it.
const WATCHED_PER_WINDOW = 3;
const WINDOW_MS = 250;
// In heaps above this size a collection may take so long that each is worth it.
const ALWAYS_ABOVE_BYTES = 64e6;

const NAMES = [
  'floor_bytes', 'floor_external_bytes', 'floor_array_buffers_bytes',
  'gc_pause_ms_max', 'gc_pause_ms_total', 'gc_count', 'gc_major_count',
  ...KINDS.flatMap((kind) => (kind === 'major' ? [] : [`gc_${kind}_count`])),
  ...KINDS.map((kind) => `gc_${kind}_ms_total`),
];

/**
 * Heap used by what the last major collection left. The observer is told some time after it, when
 * allocation has gone on; but a major collection empties the young generation, so whatever is in
 * there now was made since.
 */
function readFloor() {
  let used = v8.getHeapStatistics().used_heap_size;
  for (const { space_name: name, space_used_size: size } of v8.getHeapSpaceStatistics()) {
    if (name === 'new_space' || name === 'new_large_object_space') used -= size;
  }
  return used;
}

/** Counts and pauses by kind; `scale` adds what nobody watched. */
class Pauses {
  counts = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  ms = Object.fromEntries(KINDS.map((kind) => [kind, 0]));

  add(kind, ms) {
    this.counts[kind] += 1;
    this.ms[kind] += ms;
  }

  /** Adds `share` of `part`, all but major collections: those are known one by one. */
  scale(part, share) {
    for (const kind of KINDS) {
      if (kind === 'major') continue;
      this.counts[kind] += part.counts[kind] * share;
      this.ms[kind] += part.ms[kind] * share;
    }
  }
}

/** Collections of this thread: the floor, counts and pauses. `onMajor` is called with each floor. */
function open({ guard, onMajor, stalls, watchedPerWindow = WATCHED_PER_WINDOW, alwaysAboveBytes = ALWAYS_ABOVE_BYTES }) {
  const floor = { bytes: null, external: 0, arrayBuffers: 0 };
  const total = new Pauses();
  let pauseMax = 0;
  // Of the present window: what was watched, since when, and until when.
  let part = new Pauses();
  let partCount = 0;
  let begunAt = now();
  let watchedSince = 0;
  let pausedAt = 0;
  let timer = null;
  let endWatch = null;

  const takeFloor = () => {
    floor.bytes = readFloor();
    const memory = process.memoryUsage();
    floor.external = memory.external;
    floor.arrayBuffers = memory.arrayBuffers;
    if (onMajor) onMajor(floor.bytes);
  };
  const signal = new MajorSignal(guard.wrap(() => {
    if (endWatch) return;
    total.add('major', total.counts.major > 0 ? total.ms.major / total.counts.major : 0);
    takeFloor();
    // Where there was one there may be more, and each is worth it.
    cancel(timer);
    watch();
  }));

  const observe = (entries) => {
    let major = false;
    // All of them: under synchronous work several collections share one call, and reading only the
    // first loses up to 63 % of them. Too seldom to be compiled, hence no iterators.
    for (let i = 0; i < entries.length; i += 1) {
      const entry = entries[i];
      const { duration } = entry;
      // With another observer in the program, the first call also tells of what was before.
      if (entry.startTime < watchedSince) continue;
      const kind = kindOf(entry);
      total.add(kind, duration);
      part.add(kind, duration);
      if (duration > pauseMax) pauseMax = duration;
      if (stalls) stalls.collection(entry.startTime, duration);
      if (isMajor(entry)) major = true;
    }
    if (major) takeFloor();
    partCount += entries.length;
    signal.survived(entries.length);
    if (partCount >= watchedPerWindow) endPart();
  };

  const endPart = () => {
    const at = now();
    if (at - begunAt >= WINDOW_MS || v8.getHeapStatistics().used_heap_size > alwaysAboveBytes) {
      begin(at);
      return;
    }
    endWatch();
    endWatch = null;
    pausedAt = at;
    signal.arm();
    timer = after(begunAt + WINDOW_MS - at, guard.wrap(watch));
  };

  const begin = (at) => {
    part = new Pauses();
    partCount = 0;
    begunAt = at;
  };

  /** What is missing at this moment of the window, as a share of what was watched. */
  const unwatched = (at) => (endWatch || pausedAt === 0 ? 0 : (at - pausedAt) / Math.max(1, pausedAt - begunAt));

  const watch = () => {
    const at = now();
    total.scale(part, unwatched(at));
    begin(at);
    watchedSince = at;
    signal.disarm();
    endWatch = watchCollections(guard, observe);
  };
  watch();

  return {
    read(sample, { reset }) {
      if (floor.bytes !== null) {
        sample.floor_bytes = floor.bytes;
        sample.floor_external_bytes = floor.external;
        sample.floor_array_buffers_bytes = floor.arrayBuffers;
      }
      const share = unwatched(now());
      sample.gc_count = 0;
      sample.gc_pause_ms_total = 0;
      for (const kind of KINDS) {
        const more = kind === 'major' ? 0 : share;
        const count = Math.round(total.counts[kind] + part.counts[kind] * more);
        const ms = total.ms[kind] + part.ms[kind] * more;
        sample[`gc_${kind}_count`] = count;
        sample[`gc_${kind}_ms_total`] = ms;
        sample.gc_count += count;
        sample.gc_pause_ms_total += ms;
      }
      sample.gc_pause_ms_max = pauseMax;
      if (reset) pauseMax = 0;
    },
    close() {
      cancel(timer);
      if (endWatch) endWatch();
      endWatch = null;
      signal.close();
    },
  };
}

module.exports = { name: 'gc', metrics: NAMES, needsHistory: true, open, readFloor };
