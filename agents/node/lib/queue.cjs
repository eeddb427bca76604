'use strict';

const MAX_SAMPLES = 240;
const MAX_EVENTS = 64;
const MAX_EVENT_CHARS = 64 * 1024;

const MAX_SAMPLES_PER_MESSAGE = 60;
// A sample is 2 to 3 KB, and up to 20 KB with 50 busy routes.
const MAX_SAMPLE_CHARS = 1024 * 1024;
const MAX_SAMPLE_CHARS_PER_MESSAGE = 192 * 1024;

/** What waits to be sent: bounded, the oldest go first, and what went is counted. */
class Queue {
  dropped = 0;
  #samples = [];
  #sampleChars = 0;
  #events = [];
  #eventChars = 0;

  addSample(sample) {
    const text = JSON.stringify(sample);
    this.#samples.push(text);
    this.#sampleChars += text.length;
    while (this.#samples.length > MAX_SAMPLES || this.#sampleChars > MAX_SAMPLE_CHARS) {
      this.#sampleChars -= this.#samples.shift().length;
      this.dropped += 1;
    }
  }

  /** Kept as JSON, like samples: the size is known, and nobody can change it any more. */
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
    const samples = takeFirst(this.#samples, MAX_SAMPLES_PER_MESSAGE, MAX_SAMPLE_CHARS_PER_MESSAGE);
    const events = takeFirst(this.#events, MAX_EVENTS, MAX_EVENT_CHARS);
    this.#sampleChars -= samples.chars;
    this.#eventChars -= events.chars;
    return {
      count: samples.texts.length + events.texts.length,
      samples: `[${samples.texts.join(',')}]`,
      events: `[${events.texts.join(',')}]`,
    };
  }

  get isEmpty() {
    return this.#samples.length === 0 && this.#events.length === 0;
  }

  get bytes() {
    return this.#sampleChars + this.#eventChars;
  }
}

/** Takes texts off the front: at least one, and more while there is room. */
function takeFirst(texts, most, mostChars) {
  let chars = 0;
  let count = 0;
  while (count < Math.min(texts.length, most) && (count === 0 || chars < mostChars)) {
    chars += texts[count].length;
    count += 1;
  }
  return { texts: texts.splice(0, count), chars };
}

module.exports = { MAX_EVENTS, MAX_SAMPLES, Queue };
