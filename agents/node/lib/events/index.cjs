'use strict';

const fs = require('node:fs');

const { Guard } = require('../errors.cjs');
const { readOptions } = require('../options.cjs');
const { current } = require('../state.cjs');

/** Event → the module that measures for it: `open({emit, options, guard})` returns `{close()}`. */
const SOURCES = Object.freeze({
  alert: './alert.cjs',
  gc: './pauses.cjs',
  leak: './leak.cjs',
  loop: './loop.cjs',
  stats: './stats.cjs',
});

/**
 * What `on`, `once` and `off` of the package are. Something is measured for an event only while it has
 * a listener. A listener that throws or rejects hurts nobody: the error is counted.
 */
class Events {
  #listeners = new Map();
  #sources = new Map();
  #guard = new Guard();

  /** Errors go to the agent, which reports them, or stay here when none runs. */
  get guard() {
    return current()?.guard ?? this.#guard;
  }

  on(name, listener) {
    return this.#add(name, listener, false);
  }

  once(name, listener) {
    return this.#add(name, listener, true);
  }

  off(name, listener) {
    const listeners = this.#listeners.get(name) ?? [];
    const at = listeners.findIndex((one) => one.listener === listener);
    if (at < 0) return false;
    // A new list: an event may be on its way to the old one.
    this.#listeners.set(name, listeners.filter((_, i) => i !== at));
    if (listeners.length === 1) this.#close(name);
    return true;
  }

  close() {
    this.#listeners.clear();
    for (const name of [...this.#sources.keys()]) this.#close(name);
  }

  #add(name, listener, isOnce) {
    if (!Object.hasOwn(SOURCES, name) || typeof listener !== 'function') {
      // Not an exception: an agent that is misused does not end a service.
      const text = `on(${String(name).slice(0, 40)}): expected ${Object.keys(SOURCES).join(', ')} and a function`;
      this.guard.record(new TypeError(text));
      this.guard.run(() => fs.writeSync(2, `heapsleuth: ${text}\n`));
      return () => false;
    }
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), { listener, isOnce }]);
    if (!this.#sources.has(name)) this.#open(name);
    return () => this.off(name, listener);
  }

  #open(name) {
    this.guard.run(() => {
      const { open } = require(SOURCES[name]);
      const options = current()?.options ?? readOptions(process.env);
      this.#sources.set(name, open({ options, guard: this.guard, emit: (event) => this.#emit(name, event) }));
    });
  }

  #close(name) {
    const source = this.#sources.get(name);
    this.#sources.delete(name);
    if (source) this.guard.run(() => source.close());
  }

  #emit(name, event) {
    Object.freeze(event);
    for (const { listener, isOnce } of this.#listeners.get(name) ?? []) {
      if (isOnce) this.off(name, listener);
      try {
        const result = listener(event);
        // An async listener that rejects would otherwise end the process.
        if (typeof result?.then === 'function') result.then(undefined, (error) => this.guard.record(error));
      } catch (error) {
        this.guard.record(error);
      }
    }
  }
}

module.exports = { Events, SOURCES };
