'use strict';

const { clearTimeout, setTimeout } = require('node:timers');

// Node keeps timers of one duration in one list and offers no way to all lists. A timer of one's own hangs in the
// list of its duration, so the usual durations can be asked, and nothing has to be hooked into every timer.
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DURATIONS = Object.freeze([
  10, 20, 25, 30, 40, 50, 60, 75, 100, 150, 200, 250, 300, 400, 500, 600, 750, 800,
  ...[1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 45].map((seconds) => seconds * SECOND),
  ...[1, 1.5, 2, 3, 4, 5, 10, 15, 20, 30, 45, 60, 120, 180, 240, 360, 720, 1440].map((minutes) => minutes * MINUTE),
]);
const MAX_PER_LIST = 20_000;
const MAX_LISTED = 20;
const MAX_NAME = 80;

/** What a callback is called; of one without a name, the beginning of its text. */
function nameOf(callback) {
  if (callback.name) return callback.name.slice(0, MAX_NAME);
  return Function.prototype.toString.call(callback).replace(/\s+/g, ' ').slice(0, MAX_NAME);
}

/** Calls `visit` with every timer of this duration. */
function eachTimer(ms, visit) {
  const probe = setTimeout(() => {}, ms);
  probe.unref();
  try {
    let left = MAX_PER_LIST;
    // A ring. Its head has no callback; a future version of Node may have no such list at all.
    for (let timer = probe._idlePrev; timer && timer !== probe && left > 0; timer = timer._idlePrev) {
      if (typeof timer._onTimeout === 'function') visit(timer);
      left -= 1;
    }
  } finally {
    clearTimeout(probe);
  }
}

/** Timers of the usual durations by callback: `[{callback, interval_ms, count}]`, the most frequent first. */
function timersByCallback(durations = DURATIONS) {
  const rows = new Map();
  for (const ms of durations) {
    eachTimer(ms, ({ _onTimeout: callback, _repeat: repeat }) => {
      const key = `${ms} ${callback.name || Function.prototype.toString.call(callback).length}`;
      let row = rows.get(key);
      if (!row) {
        row = { callback: nameOf(callback), count: 0, ...(repeat ? { interval_ms: ms } : { timeout_ms: ms }) };
        rows.set(key, row);
      }
      row.count += 1;
    });
  }
  return [...rows.values()].sort((a, b) => b.count - a.count).slice(0, MAX_LISTED);
}

module.exports = { timersByCallback };
