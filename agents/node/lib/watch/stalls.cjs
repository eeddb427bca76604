'use strict';

const { performance } = require('node:perf_hooks');

const { after, cancel, now } = require('../clock.cjs');

// No longer than a stall, so that each has a tick due in it.
const TICK_MS = 50;
const STALL_MS = 50;
// The least that is called slow, however quick the rest; and how much slower than the median.
const SLOW_MS = 20;
const SLOW_TIMES = 4;
const MAX_REQUESTS = 50;
const MAX_STALLS = 200;
const MAX_COLLECTIONS = 256;
// A request that is open for so long waits for something else (an event stream, a long poll).
const WAITING_MS = 10_000;

/**
 * What slow requests may have waited for: the slowest requests of an interval, when the loop stood still, and the
 * collections, each with its beginning (in milliseconds of `performance.now()`).
 *
 * To have the beginning of a stall, a timer has to tick in it. Waking an idle process costs 100 µs and more, so it
 * ticks only while requests are under way: what happens at other times holds nobody up, or is seen by the
 * event-loop histogram alone.
 */
class Stalls {
  /** How many requests are under way; kept by whoever counts them. */
  open = 0;
  /** Requests from so many milliseconds on are wanted. */
  slowFrom = SLOW_MS;
  #guard;
  #onStall;
  #requests = [];
  #stalls = [];
  // Beginnings and lengths in turn, the oldest overwritten.
  #collections = new Float64Array(MAX_COLLECTIONS * 2);
  #collected = 0;
  #timer = null;
  #tickedAt = 0;
  #begunAt = 0;
  #isStopped = false;

  constructor({ guard, onStall = () => {} }) {
    this.#guard = guard;
    this.#onStall = onStall;
  }

  /** To be called when a request begins, with the time. */
  begin(at) {
    this.#begunAt = at;
    if (this.#timer !== null || this.#isStopped) return;
    this.#tickedAt = at;
    this.#timer = after(TICK_MS, this.#tick);
  }

  get isTicking() {
    return this.#timer !== null;
  }

  stop() {
    this.#isStopped = true;
    cancel(this.#timer);
    this.#timer = null;
  }

  request(start, ms, route, status) {
    this.#requests.push({ start, ms, route, status });
    if (this.#requests.length < MAX_REQUESTS * 2) return;
    this.#keepSlowest();
    this.slowFrom = this.#requests.at(-1).ms;
  }

  stall(start, ms) {
    if (this.#stalls.length < MAX_STALLS) this.#stalls.push({ start, ms });
    this.#onStall(ms);
  }

  collection(start, ms) {
    const place = (this.#collected % MAX_COLLECTIONS) * 2;
    this.#collections[place] = start;
    this.#collections[place + 1] = ms;
    this.#collected += 1;
  }

  /** The event of the interval that ends now, or null when nothing was slow. */
  take(intervalMs, medianMs = 0) {
    const slowFrom = Math.max(SLOW_MS, medianMs * SLOW_TIMES);
    // A stall that has just ended belongs to the requests that it held up.
    if (this.#timer !== null) this.#lookAt(now());
    this.#keepSlowest();
    const requests = this.#requests.filter(({ ms }) => ms >= slowFrom);
    this.#addCollections();
    const stalls = this.#stalls.sort((a, b) => a.start - b.start);
    const event = requests.length === 0 && stalls.length === 0 ? null : {
      type: 'slow',
      interval_ms: Math.round(intervalMs),
      median_ms: rounded(medianMs),
      requests: requests.map(({ start, ms, route, status }) => ({ at_ms: wallOf(start), ms: rounded(ms), route, status })),
      stalls: stalls.map(({ start, ms }) => ({ at_ms: wallOf(start), ms: rounded(ms), gc_ms: rounded(this.#gcWithin(start, ms)) })),
    };
    this.#requests = [];
    this.#stalls = [];
    // The next interval is most likely as the last one was.
    this.slowFrom = slowFrom;
    return event;
  }

  #keepSlowest() {
    this.#requests.sort((a, b) => b.ms - a.ms);
    if (this.#requests.length > MAX_REQUESTS) this.#requests.length = MAX_REQUESTS;
  }

  /** Long collections are stalls of their own where no tick was due in them. */
  #addCollections() {
    this.#eachCollection((start, ms) => {
      if (ms < STALL_MS || this.#stalls.length >= MAX_STALLS) return;
      const isCovered = this.#stalls.some((one) => one.start < start + ms && one.start + one.ms > start);
      if (!isCovered) this.#stalls.push({ start, ms });
    });
    // Told once; those of the last interval cannot lie in stalls of the next.
    this.#told = this.#collected;
  }

  #told = 0;

  #eachCollection(visit) {
    const first = Math.max(this.#told, this.#collected - MAX_COLLECTIONS);
    for (let i = first; i < this.#collected; i += 1) {
      const place = (i % MAX_COLLECTIONS) * 2;
      visit(this.#collections[place], this.#collections[place + 1]);
    }
  }

  #gcWithin(start, ms) {
    let within = 0;
    const first = Math.max(0, this.#collected - MAX_COLLECTIONS);
    for (let i = first; i < this.#collected; i += 1) {
      const place = (i % MAX_COLLECTIONS) * 2;
      const begun = this.#collections[place];
      within += Math.max(0, Math.min(start + ms, begun + this.#collections[place + 1]) - Math.max(start, begun));
    }
    return within;
  }

  #lookAt(at) {
    const late = at - this.#tickedAt - TICK_MS;
    // It began anywhere since the last tick.
    if (late + TICK_MS / 2 >= STALL_MS) this.stall(at - late - TICK_MS / 2, late + TICK_MS / 2);
    this.#tickedAt = at;
  }

  #tick = () => {
    this.#guard.run(() => {
      const at = now();
      this.#lookAt(at);
      const goesOn = this.open > 0 && at - this.#begunAt < WAITING_MS && !this.#isStopped;
      this.#timer = goesOn ? after(TICK_MS, this.#tick) : null;
    });
  };
}

const rounded = (ms) => Math.round(ms * 1000) / 1000;
const wallOf = (start) => Math.round((performance.timeOrigin + start) * 1000) / 1000;

module.exports = { Stalls };
