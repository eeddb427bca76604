'use strict';

const assert = require('node:assert');
const { test } = require('node:test');

const { MAX_EVENTS, MAX_SAMPLES, Queue } = require('../lib/queue.cjs');

test('beyond its bound the queue drops the oldest samples and counts them', () => {
  const queue = new Queue();
  for (let i = 0; i < MAX_SAMPLES + 10; i += 1) queue.addSample({ at_ms: i });

  assert.strictEqual(queue.dropped, 10);
  assert.strictEqual(JSON.parse(queue.take().samples)[0].at_ms, 10);
});

test('beyond its bound the queue drops the oldest events and counts them', () => {
  const queue = new Queue();
  for (let i = 0; i < MAX_EVENTS + 3; i += 1) queue.addEvent({ type: 'x', i });

  assert.strictEqual(queue.dropped, 3);
  assert.strictEqual(JSON.parse(queue.take().events)[0].i, 3);
});

test('an event too long for a message is dropped and counted', () => {
  const queue = new Queue();
  queue.addEvent({ type: 'x', text: 'y'.repeat(100_000) });

  assert.strictEqual(queue.dropped, 1);
  assert.strictEqual(queue.take(), null);
});

test('everything comes out once, in order, in messages of bounded size', () => {
  const queue = new Queue();
  for (let i = 0; i < 150; i += 1) queue.addSample({ at_ms: i });
  for (let i = 0; i < 6; i += 1) queue.addEvent({ i, text: 'y'.repeat(30_000) });
  const samples = [];
  const events = [];
  for (let batch = queue.take(); batch; batch = queue.take()) {
    assert.ok(batch.samples.length + batch.events.length < 200_000);
    samples.push(...JSON.parse(batch.samples));
    events.push(...JSON.parse(batch.events));
  }

  assert.deepStrictEqual(samples.map((sample) => sample.at_ms), Array.from({ length: 150 }, (_, i) => i));
  assert.deepStrictEqual(events.map((event) => event.i), [0, 1, 2, 3, 4, 5]);
  assert.strictEqual(queue.bytes, 0);
});
