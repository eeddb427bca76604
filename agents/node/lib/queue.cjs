'use strict';

const MAX_SAMPLES = 240;
const MAX_EVENTS = 64;
const MAX_EVENT_CHARS = 64 * 1024;

const MAX_SAMPLES_PER_MESSAGE = 60;
// For the agent's own account; a sample is about this long as an object and as JSON.
const SAMPLE_BYTES = 1000;

/** What waits to be sent: bounded, the oldest go first, and what went is counted. */
class Queue {
  dropped = 0;
  #samples = [];
  #events = [];
  #eventChars = 0;

  addSample(sample) {
    this.#samples.push(sample);
    if (this.#samples.length > MAX_SAMPLES) {
      this.#samples.shift();
      this.dropped += 1;
    }
  }

  /** Events are kept as JSON: their size is known, and nobody can change them any more. */
  addEvent(event) {
    const text = JSON.stringify(event);
    if (text.length > MAX_EVENT_CHARS) {
      this.dropped += 1;
      return false;
    }
    this.#events.push(text);
    this.#eventChars += text.length;
    if (this.#events.length > MAX_EVENTS) {
      this.#eventChars -= this.#events.shift().length;
      this.dropped += 1;
    }
    return true;
  }

  /** Takes the oldest out, as the JSON of `samples` and `events`; null when there is nothing. */
  take() {
    if (this.isEmpty) return null;
    const samples = this.#samples.splice(0, MAX_SAMPLES_PER_MESSAGE);
    const events = [];
    let chars = 0;
    while (this.#events.length > 0 && (events.length === 0 || chars < MAX_EVENT_CHARS)) {
      const text = this.#events.shift();
      chars += text.length;
      events.push(text);
    }
    this.#eventChars -= chars;
    return {
      count: samples.length + events.length,
      samples: JSON.stringify(samples),
      events: `[${events.join(',')}]`,
    };
  }

  get isEmpty() {
    return this.#samples.length === 0 && this.#events.length === 0;
  }

  get bytes() {
    return this.#samples.length * SAMPLE_BYTES + this.#eventChars;
  }
}

module.exports = { MAX_EVENTS, MAX_SAMPLES, Queue };
