'use strict';

const { now } = require('./clock.cjs');

/**
 * The wall between the agent and the application: whatever the agent does runs inside `run`, which
 * lets no error out, counts them, and adds up the time spent (on one thread, time is CPU time).
 */
class Guard {
  errors = 0;
  lastError = null;
  ownMs = 0;
  #depth = 0;

  run(act, ...args) {
    const begun = this.#depth === 0 ? now() : 0;
    this.#depth += 1;
    try {
      return act(...args);
    } catch (error) {
      this.record(error);
      return undefined;
    } finally {
      this.#depth -= 1;
      if (this.#depth === 0) this.ownMs += now() - begun;
    }
  }

  wrap(act) {
    return (...args) => this.run(act, ...args);
  }

  record(error) {
    this.errors += 1;
    try {
      // The first line only: Node appends paths to some messages.
      this.lastError = String((error && error.message) || error).split('\n', 1)[0].slice(0, 300);
    } catch {
      this.lastError = 'an error without text';
    }
  }
}

/** An error as the protocol sends it. */
function describeError(error) {
  const described = { code: 'failed', text: 'unknown error' };
  try {
    if (error && typeof error.code === 'string') described.code = error.code;
    described.text = String((error && error.message) || error).slice(0, 2000);
    if (error && error.figures) described.figures = error.figures;
  } catch {
    // An error whose own fields throw keeps the defaults.
  }
  return described;
}

module.exports = { Guard, describeError };
