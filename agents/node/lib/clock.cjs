'use strict';

// Taken when the agent is loaded, before test libraries put fake clocks in their place.
const { performance } = require('node:perf_hooks');
const { clearTimeout, setImmediate, setTimeout } = require('node:timers');

const now = performance.now.bind(performance);
const wall = Date.now;

/** Calls `act` after `ms`, if the application is still running then. */
function after(ms, act) {
  const timer = setTimeout(act, ms);
  timer.unref();
  return timer;
}

/** Calls `act` every `ms`, as long as the application is running anyway; returns what ends it. */
function every(ms, act) {
  let timer;
  const turn = () => {
    timer = after(ms, turn);
    act();
  };
  timer = after(ms, turn);
  return () => clearTimeout(timer);
}

module.exports = { after, cancel: clearTimeout, every, now, soon: setImmediate, wall };
