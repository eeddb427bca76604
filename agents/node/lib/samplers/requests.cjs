'use strict';

const channels = require('node:diagnostics_channel');

const { now } = require('../clock.cjs');
const { Histogram } = require('./histogram.cjs');
const { Routes, kPattern } = require('./routes.cjs');

const START = 'http.server.request.start';
const FINISH = 'http.server.response.finish';
const FASTIFY = 'tracing:fastify.request.handler:start';

// A property is half the price of a WeakMap entry, and a symbol stays out of the app's way.
const kStart = Symbol('heapsleuth.start');

const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'];
const NAMES = [
  'requests_total', 'requests_open', ...CLASSES.map((name) => `requests_${name}_total`),
  'request_ms_p50', 'request_ms_p99',
];

/** HTTP/1 requests that servers of this thread have finished: how long they took, and statuses, by route. */
function open({ stalls = null } = {}) {
  // Of this sampler alone: there may be several.
  const kOpen = Symbol('heapsleuth.open');
  const routes = new Routes();
  const classes = new Float64Array(6);
  let total = 0;
  let openNow = 0;
  // A connection that ends takes its unanswered requests with it; no channel tells of those.
  const onClose = function onClose() {
    openNow -= this[kOpen];
    this[kOpen] = 0;
    if (stalls !== null) stalls.open = openNow;
  };
  // Both run on every request, and Node turns what they throw into an uncaught exception. They call
  // nothing that can throw but writes to frozen objects, which the guard would make dearer.
  const onStart = (message) => {
    try {
      const at = now();
      message.response[kStart] = at;
      const { socket } = message;
      const before = socket[kOpen];
      if (before === undefined) socket.on('close', onClose);
      socket[kOpen] = before === undefined ? 1 : before + 1;
      openNow += 1;
      if (stalls !== null) {
        stalls.open = openNow;
        stalls.begin(at);
      }
    } catch {
      // A request without a start is counted and not timed.
    }
  };
  const onFinish = (message) => {
    total += 1;
    try {
      const { response, socket } = message;
      const status = response.statusCode;
      const hundreds = (status / 100) | 0;
      if (hundreds > 0 && hundreds < 6) classes[hundreds] += 1;
      const start = response[kStart];
      if (start === undefined) return;
      if (socket[kOpen] > 0) {
        socket[kOpen] -= 1;
        openNow -= 1;
        if (stalls !== null) stalls.open = openNow;
      }
      const ms = now() - start;
      const route = routes.of(message.request, status);
      route.count += 1;
      route.histogram.record(ms);
      if (hundreds > 0 && hundreds < 6) route.statuses[hundreds] += 1;
      if (stalls !== null && ms >= stalls.slowFrom) stalls.request(start, ms, route.name, status);
    } catch {
      // Counted and not timed.
    }
  };
  const onFastify = ({ request, route }) => {
    try {
      if (typeof route.url === 'string') request.raw[kPattern] = route.url;
    } catch {
      // Named by its path instead.
    }
  };
  const listeners = [[START, onStart], [FINISH, onFinish], [FASTIFY, onFastify]];
  for (const [channel, listener] of listeners) channels.subscribe(channel, listener);
  return {
    read(sample, { reset }) {
      sample.requests_total = total;
      sample.requests_open = openNow;
      CLASSES.forEach((name, i) => { sample[`requests_${name}_total`] = classes[i + 1]; });
      const used = routes.all.filter((route) => route.count > 0).sort((a, b) => b.count - a.count);
      if (used.length === 0) return;
      const all = { histogram: new Histogram(), statuses: {}, count: 0 };
      for (const route of used) {
        all.histogram.merge(route.histogram);
        all.count += route.count;
        CLASSES.forEach((name, i) => {
          if (route.statuses[i + 1] > 0) all.statuses[name] = (all.statuses[name] ?? 0) + route.statuses[i + 1];
        });
      }
      sample.request_ms_p50 = all.histogram.quantile(0.5);
      sample.request_ms_p99 = all.histogram.quantile(0.99);
      if (!reset) return;
      const other = used.indexOf(routes.other);
      if (other >= 0) used.push(...used.splice(other, 1));
      sample.http = [
        { route: '', count: all.count, statuses: all.statuses, buckets: all.histogram.buckets() },
        ...used.map((route) => route.describe()),
      ];
      routes.reset();
    },
    get bytes() {
      return routes.bytes;
    },
    close() {
      for (const [channel, listener] of listeners) channels.unsubscribe(channel, listener);
    },
  };
}

module.exports = { name: 'requests', metrics: NAMES, needsHistory: true, open };
