'use strict';

const assert = require('node:assert');
const channels = require('node:diagnostics_channel');
const { EventEmitter } = require('node:events');
const { test } = require('node:test');
const v8 = require('node:v8');

const { Guard } = require('../lib/errors.cjs');
const { collectGarbage } = require('../lib/inspector.cjs');
const { readOptions } = require('../lib/options.cjs');
const { Queue } = require('../lib/queue.cjs');
const { closeSamplers, openSamplers, readSamplers } = require('../lib/samplers/index.cjs');
const { takeCensus } = require('../lib/watch/census.cjs');
const { Emitters } = require('../lib/watch/emitters.cjs');
const { Stalls } = require('../lib/watch/stalls.cjs');

const SAMPLES_OF_A_WEEK = (7 * 24 * 3600) / 30;
const REQUESTS_PER_SAMPLE = 40;
const CENSUS_EVERY = 10;

test('a week of samples, with a collector that is away, leaves the agent below 5 MB', async () => {
  const guard = new Guard();
  const emitters = new Emitters();
  const stalls = new Stalls({ guard });
  const queue = new Queue();
  const options = readOptions({}, { collector: 'http://127.0.0.1:1' });
  await collectGarbage();
  const before = v8.getHeapStatistics().used_heap_size + process.memoryUsage().external;

  const readers = openSamplers({ guard, options, emitters, stalls, ownBytes: () => queue.bytes });
  const [start, finish] = ['http.server.request.start', 'http.server.response.finish'].map((name) => channels.channel(name));
  for (let i = 0; i < SAMPLES_OF_A_WEEK; i += 1) {
    for (let request = 0; request < REQUESTS_PER_SAMPLE; request += 1) {
      // More routes than there are places for, every path another one, and connections that come and go.
      const url = `/shop${'abcdefghij'[i % 10]}/${'klmnopqrst'[request % 10]}${'u'.repeat((i >> 4) % 7)}/${i}`;
      const message = { request: { method: 'GET', url }, response: { statusCode: 200 }, socket: new EventEmitter() };
      start.publish(message);
      finish.publish(message);
      message.socket.emit('close');
    }
    stalls.stall(i, 60 + (i % 100));
    stalls.collection(i, 70);
    stalls.request(i, 500, 'GET /x', 200);
    const sample = readSamplers(readers, { reset: true, guard });
    queue.addSample(sample);
    queue.addEvent(stalls.take(30_000, 1));
    if (i % CENSUS_EVERY === 0) queue.addEvent(takeCensus(emitters));
  }
  await collectGarbage();
  const used = v8.getHeapStatistics().used_heap_size + process.memoryUsage().external - before;
  const { bytes } = queue;
  closeSamplers(readers);
  stalls.stop();

  assert.ok(used < 5e6, `${used} bytes`);
  assert.ok(bytes < 3e6 && queue.dropped > SAMPLES_OF_A_WEEK / 2, `${bytes} bytes wait`);
  assert.deepStrictEqual([guard.errors, guard.lastError], [0, null]);
});
