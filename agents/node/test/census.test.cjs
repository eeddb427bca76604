'use strict';

const assert = require('node:assert');
const { EventEmitter } = require('node:events');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');

const { takeCensus } = require('../lib/watch/census.cjs');
const { Emitters } = require('../lib/watch/emitters.cjs');
const { timersByCallback } = require('../lib/watch/timers.cjs');
const promises = require('../lib/samplers/promises.cjs');
const { collectGarbage } = require('../lib/inspector.cjs');
const { withCollector } = require('./collector.cjs');
const { environment, eventually, start } = require('./processes.cjs');

class Bus extends EventEmitter {}

/** Runs `use` with emitters that are watched, and stops afterwards. */
async function withEmitters(options, use) {
  const emitters = new Emitters(options);
  emitters.start();
  try {
    await use(emitters);
  } finally {
    emitters.stop();
  }
}

test('an emitter that Node warns of is watched, and what it gained is told first', async () => {
  await withEmitters({}, async (emitters) => {
    const bus = new Bus();
    process.once('warning', () => {});
    for (let i = 0; i < 12; i += 1) bus.on('message', () => {});
    const rowOf = () => emitters.census().find(({ emitter }) => emitter === 'Bus');
    await eventually(rowOf, 'the warning');
    for (let i = 0; i < 10; i += 1) bus.on('message', () => {});

    assert.deepStrictEqual(emitters.census()[0], { emitter: 'Bus', event: 'message', count: 22, grown: 10 });
    assert.strictEqual(emitters.count().listeners_max, 22);
  });
});

test('the process is watched from the beginning', async () => {
  await withEmitters({}, (emitters) => {
    const { listeners } = emitters.count();
    const added = () => {};
    process.on('exit', added);
    assert.strictEqual(emitters.count().listeners, listeners + 1);
    process.removeListener('exit', added);
  });
});

test('when asked for, every emitter with many listeners is watched, with where they were added', async () => {
  const before = EventEmitter.prototype.on;
  await withEmitters({ traces: true }, (emitters) => {
    const bus = new Bus().setMaxListeners(0);
    for (let i = 0; i < 31; i += 1) bus.on('message', () => {});
    const row = emitters.census().find(({ emitter }) => emitter === 'Bus');

    assert.strictEqual(row.count, 31);
    assert.match(row.added, new RegExp(`${path.basename(__filename).replaceAll('.', '\\.')}:\\d+$`));
    assert.notStrictEqual(EventEmitter.prototype.on, before);
  });
  assert.strictEqual(EventEmitter.prototype.on, before);
});

test('watching holds no emitter', async () => {
  await withEmitters({}, async (emitters) => {
    (() => {
      const bus = new Bus();
      bus.on('message', () => {});
      emitters.add(bus);
    })();
    assert.ok(emitters.census().some(({ emitter }) => emitter === 'Bus'));
    await collectGarbage();
    await new Promise((resolve) => { setTimeout(resolve, 10); });
    await collectGarbage();
    assert.ok(!emitters.census().some(({ emitter }) => emitter === 'Bus'));
  });
});

test('timers are told by callback, also those that are not referenced', () => {
  function refresh() {}
  const timers = [1, 2, 3].map(() => setInterval(refresh, 1000));
  timers.push(...Array.from({ length: 40 }, () => setTimeout(() => 'expire the session', 60_000).unref()));
  const rows = timersByCallback();
  timers.forEach(clearTimeout);

  assert.deepStrictEqual(rows.find(({ callback }) => callback === 'refresh'), { callback: 'refresh', count: 3, interval_ms: 1000 });
  assert.deepStrictEqual(
    rows.find(({ callback }) => callback.includes('expire the session')),
    { callback: "() => 'expire the session'", count: 40, timeout_ms: 60_000 },
  );
  assert.ok(!timersByCallback().some(({ callback }) => callback === 'refresh'), 'and none is left behind');
});

test('a census counts handles and resources by type', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => { server.on('listening', resolve); });
  await withEmitters({}, (emitters) => {
    server.on('connection', function onConnection() {});
    const census = takeCensus(emitters);

    assert.ok(census.handles.Server >= 1 && census.resources.TCPServerWrap >= 1);
    assert.ok(census.listeners.some(({ emitter, event }) => emitter === 'Server' && event === 'connection'));
    assert.strictEqual(census.type, 'census');
  });
  server.close();
});

test('a collector is sent a census at the time asked for', async () => {
  await withCollector(async (collector) => {
    const { child, done } = start(['stays.cjs'], { env: environment({ HEAPSLEUTH_COLLECTOR: collector.url, HEAPSLEUTH_CENSUS_MS: '1000' }) });
    const event = await collector.until(() => collector.events.find(({ type }) => type === 'census'), 'a census');
    child.kill();
    await done;

    assert.deepStrictEqual(Object.keys(event).sort(), ['at_ms', 'handles', 'listeners', 'requests', 'resources', 'timers', 'type']);
    assert.strictEqual(collector.messages.at(-1).counters.errors, 0);
  });
});

test('promises that never settle are counted, those that settle or are dropped are not', async () => {
  const sampler = promises.open({ options: { promises: true } });
  const pending = () => { const sample = {}; sampler.read(sample); return sample.promises_pending; };
  const kept = Array.from({ length: 20_000 }, () => new Promise(() => {}));
  assert.ok(pending() >= 18_000 && pending() <= 23_000, `${pending()}`);
  for (let i = 0; i < 20_000; i += 1) Promise.resolve(i);
  assert.ok(pending() <= 23_000, `settled: ${pending()}`);
  kept.length = 0;
  await eventually(async () => {}, 'a turn');
  await collectGarbage();
  await new Promise((resolve) => { setTimeout(resolve, 10); });
  await collectGarbage();
  assert.ok(pending() < 5000, `dropped: ${pending()}`);
  sampler.close();
});

test('promises are not watched unless asked for', () => {
  const sampler = promises.open({ options: { promises: false } });
  const sample = {};
  sampler.read(sample);
  sampler.close();

  assert.deepStrictEqual(sample, {});
});
