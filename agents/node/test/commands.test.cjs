'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const { withCollector } = require('./collector.cjs');
const { environment, start } = require('./processes.cjs');

/** Runs a program that stays, and `use` once its agent has reported. */
async function withProgram(use, { program = 'stays.cjs', env = {} } = {}) {
  await withCollector(async (collector) => {
    const process = start([program], { env: environment({ HEAPSLEUTH_COLLECTOR: collector.url, ...env }) });
    try {
      await collector.until(() => collector.messages.length > 0, 'first report');
      await use(collector, process);
    } finally {
      process.child.kill('SIGKILL');
      await process.done;
    }
  });
}

test('gc collects and answers with a sample that is its own floor', async () => {
  await withProgram(async (collector) => {
    collector.command({ id: 'a', type: 'gc' });
    const { ok, duration_ms: ms, sample } = await collector.result('a');

    assert.strictEqual(ok, true);
    assert.ok(ms > 0);
    assert.strictEqual(sample.floor_bytes, sample.heap_used_bytes);
    assert.ok(sample.rss_bytes > 0 && sample.external_bytes > 0 && sample.array_buffers_bytes >= 0);
    const near = (one) => one.at_ms > sample.at_ms && Math.abs(one.floor_bytes - sample.floor_bytes) < 1e6;
    await collector.until(() => collector.samples.find(near), 'a sample with the floor of these collections');
  });
});

test('gc needs no flag in a worker thread either', async () => {
  await withCollector(async (collector) => {
    const { child, done } = start(['workers.cjs'], { env: environment({ HEAPSLEUTH_COLLECTOR: collector.url }) });
    const worker = await collector.until(() => collector.messages.find((message) => message.role === 'worker'), 'a worker');
    collector.command({ id: 'a', type: 'gc' });
    const answer = await collector.result('a');
    child.kill();
    await done;

    assert.ok(worker);
    assert.strictEqual(answer.ok, true);
  });
});

test('set-interval changes the time between samples, and refuses nonsense', async () => {
  await withProgram(async (collector) => {
    collector.command({ id: 'a', type: 'set-interval', interval_ms: 2 });
    assert.strictEqual((await collector.result('a')).error.code, 'bad-command');
    collector.command({ id: 'b', type: 'set-interval', interval_ms: 150 });
    assert.strictEqual((await collector.result('b')).interval_ms, 150);
    await collector.until(() => collector.samples.length >= 5, 'samples at the new interval');
  }, { env: { HEAPSLEUTH_INTERVAL_MS: '60000' } });
});

test('a profile of allocations is started once and written as a file', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'heapsleuth-'));
  try {
    await withProgram(async (collector) => {
      const ask = (id, command) => { collector.command({ id, ...command }); return collector.result(id); };
      assert.strictEqual((await ask('a', { type: 'profile.stop' })).error.code, 'not-running');
      assert.strictEqual((await ask('b', { type: 'profile.start', sampling_bytes: 1024 })).ok, true);
      assert.strictEqual((await ask('c', { type: 'profile.start' })).error.code, 'busy');
      const { path: file, bytes } = await ask('d', { type: 'profile.stop', dir: folder });
      assert.strictEqual((await ask('e', { type: 'profile.start', max_ms: 1 })).ok, true);
      const samples = collector.samples.length;
      await collector.until(() => collector.samples.length >= samples + 2, 'a later turn of its loop');
      assert.strictEqual((await ask('f', { type: 'profile.stop' })).error.code, 'not-running');
      assert.strictEqual((await ask('g', { type: 'profile.start', sampling_bytes: 0 })).error.code, 'bad-command');
      assert.strictEqual((await ask('h', { type: 'profile.start' })).ok, true);
      assert.strictEqual((await ask('i', { type: 'profile.stop', dir: path.join(folder, 'missing') })).ok, false);

      assert.deepStrictEqual(fs.readdirSync(folder), [path.basename(file)]);
      assert.strictEqual(fs.statSync(file).size, bytes);
      assert.ok('head' in JSON.parse(fs.readFileSync(file, 'utf8')));
    });
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('an unknown command is answered with the known ones, and a repeated one is done once', async () => {
  await withProgram(async (collector) => {
    collector.command({ id: 'a', type: 'reboot' });
    const { error } = await collector.result('a');
    assert.strictEqual(error.code, 'unknown-command');
    assert.match(error.text, /snapshot, gc, set-interval, profile\.start, profile\.stop/);

    collector.command({ id: 'a', type: 'gc' });
    collector.command({ id: 'b', type: 'gc' });
    await collector.result('b');
    assert.strictEqual(collector.events.filter((event) => event.id === 'a').length, 1);
  });
});
