'use strict';

// What prom-client and the agent export of one and the same process.

const assert = require('node:assert');
const { test } = require('node:test');

const client = require('prom-client');

const heapsleuth = require('../../agents/node/index.cjs');

/** Family → `{type, labels, buckets}` of a page. */
function familiesOf(page) {
  const families = new Map();
  for (const line of page.split('\n')) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type) families.set(type[1], { type: type[2], labels: new Set(), buckets: new Set() });
    const sample = /^([a-zA-Z0-9_]+?)(?:\{(.*)\})? \S+$/.exec(line);
    if (!sample || line.startsWith('#')) continue;
    const family = families.get(sample[1]) ?? families.get(sample[1].replace(/_(bucket|sum|count)$/, ''));
    for (const [, name, value] of (sample[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)) {
      family.labels.add(name);
      if (name === 'le') family.buckets.add(value);
    }
  }
  return families;
}

/** Sample with its labels in order → value. */
function valuesOf(page) {
  const lines = page.split('\n').filter((line) => line && !line.startsWith('#'));
  return new Map(lines.map((line) => {
    const [, name, labels = '', value] = /^([^{ ]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    return [`${name}{${labels.split(',').sort().join(',')}}`, Number(value)];
  }));
}

let theirs;
let ours;

test.before(async () => {
  client.collectDefaultMetrics();
  await heapsleuth.prometheus();
  await heapsleuth.prometheus({ labels: { app: 'shop' } });
  // Something of everything: timers, sockets, requests of libuv, collections.
  const server = require('node:net').createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await new Promise((resolve) => { server.on('listening', resolve); });
  const socket = require('node:net').connect(server.address().port, '127.0.0.1');
  await new Promise((resolve) => { socket.on('connect', resolve); });
  let garbage = [];
  for (let i = 0; i < 200; i += 1) garbage = Array.from({ length: 10_000 }, (_, j) => ({ j, garbage: i }));
  await new Promise((resolve) => { setTimeout(resolve, 300); });
  theirs = await client.register.metrics();
  ours = await heapsleuth.prometheus();
  assert.strictEqual(garbage.length, 10_000);
  socket.destroy();
  server.close();
});

test('names, types, labels and buckets are the same', () => {
  const mine = familiesOf(ours);

  for (const [name, { type, labels, buckets }] of familiesOf(theirs)) {
    const family = mine.get(name);
    assert.ok(family, `${name} is missing`);
    assert.strictEqual(family.type, type, name);
    // One that has no samples has no labels to compare.
    for (const label of labels) assert.ok(family.labels.has(label), `${name}: label ${label}`);
    if (labels.size > 0) assert.strictEqual(family.labels.size, labels.size, name);
    assert.deepStrictEqual([...family.buckets], [...buckets], name);
  }
});

test('whatever else there is has our prefix', () => {
  const known = familiesOf(theirs);
  const more = [...familiesOf(ours).keys()].filter((name) => !known.has(name));

  assert.ok(more.includes('heapsleuth_heap_limit_bytes'));
  assert.deepStrictEqual(more.filter((name) => !name.startsWith('heapsleuth_')), []);
});

test('values that stand still are the same', () => {
  const [mine, known] = [valuesOf(ours), valuesOf(theirs)];
  const still = [...known.keys()].filter((name) => (
    /^(process_start_time_seconds|process_max_fds|nodejs_version_info|nodejs_active_(handles|requests))/.test(name)
  ));

  assert.ok(still.length >= 6, still.join());
  for (const name of still) assert.strictEqual(mine.get(name), known.get(name), name);
});

test('no collection that prom-client saw is missing', () => {
  const [mine, known] = [valuesOf(ours), valuesOf(theirs)];
  const counts = [...known].filter(([name]) => name.startsWith('nodejs_gc_duration_seconds_count'));

  assert.ok(counts.length > 0);
  for (const [name, count] of counts) assert.ok(mine.get(name) >= count, `${name}: ${mine.get(name)} of ${count}`);
});
