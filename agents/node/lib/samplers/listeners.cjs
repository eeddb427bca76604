'use strict';

const { now } = require('../clock.cjs');
const { Emitters } = require('../watch/emitters.cjs');

const MIN_AGE_MS = 10_000;

/** Listeners of the emitters that are watched, all together and the most on one event. */
function open({ options, emitters = new Emitters({ traces: options?.listeners === true }) } = {}) {
  let readAt = -Infinity;
  let figures = { listeners: 0, listeners_max: 0 };
  emitters.start();
  return {
    read(sample) {
      if (now() - readAt >= MIN_AGE_MS) {
        readAt = now();
        figures = emitters.count();
      }
      Object.assign(sample, figures);
    },
    close() {
      emitters.stop();
    },
  };
}

module.exports = { name: 'listeners', metrics: ['listeners', 'listeners_max'], needsHistory: true, open };
