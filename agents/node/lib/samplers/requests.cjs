'use strict';

const channels = require('node:diagnostics_channel');

const { now } = require('../clock.cjs');
const { Histogram } = require('./histogram.cjs');

const START = 'http.server.request.start';
const FINISH = 'http.server.response.finish';

// A property is half the price of a WeakMap entry, and a symbol stays out of the app's way.
const kStart = Symbol('heapsleuth.start');

const NAMES = ['requests_total', 'request_ms_p50', 'request_ms_p99'];

/** HTTP/1 requests that servers of this thread have finished, and how long they took. */
function open() {
  const histogram = new Histogram();
  let total = 0;
  // Both run on every request, and Node turns what they throw into an uncaught exception. They call
  // nothing that can throw but the write to a frozen response, which the guard would make dearer.
  const onStart = (message) => {
    try {
      message.response[kStart] = now();
    } catch {
      // A request without a start is counted and not timed.
    }
  };
  const onFinish = (message) => {
    total += 1;
    try {
      const start = message.response[kStart];
      if (start !== undefined) histogram.record(now() - start);
    } catch {
      // Counted and not timed.
    }
  };
  channels.subscribe(START, onStart);
  channels.subscribe(FINISH, onFinish);
  return {
    read(sample, { reset }) {
      sample.requests_total = total;
      if (histogram.count > 0) {
        sample.request_ms_p50 = histogram.quantile(0.5);
        sample.request_ms_p99 = histogram.quantile(0.99);
      }
      if (reset) histogram.reset();
    },
    close() {
      channels.unsubscribe(START, onStart);
      channels.unsubscribe(FINISH, onFinish);
    },
  };
}

module.exports = { name: 'requests', metrics: NAMES, needsHistory: true, open };
