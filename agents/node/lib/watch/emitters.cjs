'use strict';

const { EventEmitter } = require('node:events');

const { callerOutside } = require('./caller.cjs');

const MAX_EMITTERS = 200;
const MAX_EVENTS_PER_EMITTER = 200;
const MAX_LISTED = 20;
// From so many listeners of one event on an emitter is followed when all additions are seen.
const FEW = 5;
const ADDERS = ['on', 'addListener', 'prependListener', 'once', 'prependOnceListener'];

const { eventNames, listenerCount } = EventEmitter.prototype;

/**
 * The emitters that are watched, without holding them. Node has no list of them, and a hook in every `on`
 * would cost every stream of every request. So these are watched: `process`; those that Node warned of
 * (more listeners on one event than their limit, which is 10); with `add`, what a census meets. With `traces`
 * (option `listeners`), every addition is seen after all, and where the last of many were added is kept.
 */
class Emitters {
  #traces;
  #refs = new Map();
  #first = new WeakMap();
  #added = new WeakMap();
  #known = new WeakSet();
  #nextId = 0;
  #originals = null;
  #onWarning = (warning) => {
    if (warning?.name === 'MaxListenersExceededWarning' && warning.emitter) this.add(warning.emitter);
  };

  constructor({ traces = false } = {}) {
    this.#traces = traces;
  }

  start() {
    this.add(process);
    process.on('warning', this.#onWarning);
    if (this.#traces) this.#hook();
  }

  stop() {
    process.removeListener('warning', this.#onWarning);
    if (this.#originals) {
      for (const [name, { original, hooked }] of this.#originals) {
        // Somebody may have put another hook on top.
        if (EventEmitter.prototype[name] === hooked) EventEmitter.prototype[name] = original;
      }
      this.#originals = null;
    }
    this.#refs.clear();
  }

  add(emitter) {
    if (this.#known.has(emitter) || typeof emitter.on !== 'function') return;
    if (this.#refs.size >= MAX_EMITTERS) this.#sweep();
    if (this.#refs.size >= MAX_EMITTERS) return;
    this.#known.add(emitter);
    this.#nextId += 1;
    this.#refs.set(this.#nextId, new WeakRef(emitter));
  }

  /** `{listeners, listeners_max}`: all, and the most on one event. */
  count() {
    let listeners = 0;
    let most = 0;
    this.#each((_emitter, _event, count) => {
      listeners += count;
      if (count > most) most = count;
    });
    return { listeners, listeners_max: most };
  }

  /** Those that gained most since they were first listed, then those that have most. */
  census() {
    const rows = [];
    this.#each((emitter, event, count) => {
      let first = this.#first.get(emitter);
      if (!first) this.#first.set(emitter, first = new Map());
      if (!first.has(event) && first.size < MAX_EVENTS_PER_EMITTER) first.set(event, count);
      const row = { emitter: nameOf(emitter), event: String(event).slice(0, 80), count, grown: count - (first.get(event) ?? 0) };
      const added = this.#added.get(emitter)?.get(event);
      if (added) row.added = added;
      rows.push(row);
    });
    return rows.sort((a, b) => b.grown - a.grown || b.count - a.count).slice(0, MAX_LISTED);
  }

  #each(visit) {
    for (const [id, ref] of this.#refs) {
      const emitter = ref.deref();
      if (emitter === undefined) {
        this.#refs.delete(id);
        continue;
      }
      let left = MAX_EVENTS_PER_EMITTER;
      for (const event of eventNames.call(emitter)) {
        if (left-- <= 0) break;
        visit(emitter, event, listenerCount.call(emitter, event));
      }
    }
  }

  #sweep() {
    for (const [id, ref] of this.#refs) if (ref.deref() === undefined) this.#refs.delete(id);
  }

  #hook() {
    const watch = this;
    this.#originals = new Map();
    for (const name of ADDERS) {
      const original = EventEmitter.prototype[name];
      const hooked = function hooked(event, listener) {
        const result = original.call(this, event, listener);
        watch.#seen(this, event);
        return result;
      };
      Object.defineProperty(hooked, 'name', { value: original.name });
      this.#originals.set(name, { original, hooked });
      EventEmitter.prototype[name] = hooked;
    }
  }

  #seen(emitter, event) {
    try {
      const count = listenerCount.call(emitter, event);
      if (count < FEW) return;
      this.add(emitter);
      let added = this.#added.get(emitter);
      if (!added) this.#added.set(emitter, added = new Map());
      // Growth is slow and stacks are dear: one when it becomes many, and then at every doubling.
      if (added.size >= MAX_EVENTS_PER_EMITTER || (added.has(event) && !isMilestone(count))) return;
      const place = callerOutside();
      if (place) added.set(event, place);
    } catch {
      // The application's listener was added; that is all it asked for.
    }
  }
}

const isMilestone = (count) => (count & (count - 1)) === 0;

function nameOf(emitter) {
  if (emitter === process) return 'process';
  return String(emitter.constructor?.name || 'EventEmitter').slice(0, 80);
}

module.exports = { Emitters };
