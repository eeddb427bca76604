'use strict';

// Collections of the young generation that promote for certain what was there before the first of them.
const PROMOTED_AFTER = 3;

/**
 * Says that a major collection has happened, at no cost per collection: a finalizer of an object in the old
 * generation, which only major collections look at. (Up to Node 24 they are alone in clearing weak
 * references; in 26 the young generation's do so as well, hence the wait until the object is promoted.)
 * One call per `arm`.
 */
class MajorSignal {
  #registry;
  #token = null;
  #survived = 0;
  #isArmed = false;

  constructor(act) {
    this.#registry = new FinalizationRegistry((generation) => {
      if (!this.#isArmed || generation !== this.#generation) return;
      this.#isArmed = false;
      act();
    });
  }

  #generation = 0;

  /** Makes a new object, to be promoted while collections are still watched. */
  disarm() {
    this.#isArmed = false;
    this.#survived = 0;
    this.#generation += 1;
    this.#token = {};
    this.#registry.register(this.#token, this.#generation, this.#token);
  }

  survived(collections) {
    this.#survived += collections;
  }

  arm() {
    if (this.#token === null || this.#survived < PROMOTED_AFTER) return;
    this.#isArmed = true;
    this.#token = null;
  }

  close() {
    this.#isArmed = false;
    if (this.#token) this.#registry.unregister(this.#token);
    this.#token = null;
  }
}

module.exports = { MajorSignal };
