'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const { withCollector } = require('./collector.cjs');
const { environment, eventually, start } = require('./processes.cjs');

/** Runs `use` with a folder for snapshots that is removed afterwards. */
async function withFolder(use) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'heapsleuth-'));
  try {
    await use(folder);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

const snapshotsIn = (folder) => fs.readdirSync(folder).filter((name) => name.endsWith('.heapsnapshot'));

test('a floor above the threshold brings one snapshot, and the next only after the cooldown', async () => {
  await withFolder((folder) => withCollector(async (collector) => {
    const env = environment({
      HEAPSLEUTH_COLLECTOR: collector.url,
      HEAPSLEUTH_SNAPSHOT_DIR: folder,
      HEAPSLEUTH_SNAPSHOT_THRESHOLD: '0.4',
      HEAPSLEUTH_SERVICE: `fills-${process.pid}`,
      FILL_MB: '60',
    });
    const { child, done } = start(['--max-old-space-size=100', 'fills_heap.cjs'], { env });
    const event = await collector.until(() => collector.events.find((one) => one.type === 'snapshot'), 'the event');
    const majors = collector.samples.at(-1)?.gc_major_count ?? 0;
    await collector.until(() => collector.samples.at(-1).gc_major_count > majors, 'another major collection');
    child.kill('SIGKILL');
    await done;

    assert.deepStrictEqual([event.reason, event.ok], ['threshold', true], JSON.stringify(event));
    assert.deepStrictEqual(snapshotsIn(folder), [path.basename(event.path)]);
  }));
});

test('below the threshold, or with a threshold of 0, none is taken', async () => {
  await withFolder(async (folder) => {
    for (const threshold of ['0.9', '0']) {
      await withCollector(async (collector) => {
        const env = environment({
          HEAPSLEUTH_COLLECTOR: collector.url,
          HEAPSLEUTH_SNAPSHOT_DIR: folder,
          HEAPSLEUTH_SNAPSHOT_THRESHOLD: threshold,
          FILL_MB: '60',
        });
        const { child, done } = start(['--max-old-space-size=100', 'fills_heap.cjs'], { env });
        await collector.until(() => collector.samples.some((sample) => sample.gc_major_count > 0
          && sample.heap_used_bytes > 50e6), 'a filled heap');
        child.kill('SIGKILL');
        await done;
        assert.deepStrictEqual(collector.events, []);
      });
    }
    assert.deepStrictEqual(fs.readdirSync(folder), []);
  });
});

test('two signals at once leave whole snapshots only, and the program running', async () => {
  await withFolder(async (folder) => {
    const { child, done, output, errors } = start(['stays.cjs'], { env: environment({ HEAPSLEUTH_SNAPSHOT_DIR: folder }) });
    await eventually(() => output().includes('ready'), 'ready');
    child.kill('SIGUSR2');
    child.kill('SIGUSR2');
    await eventually(() => errors().includes('written to'), 'a snapshot');
    child.kill('SIGUSR2');
    await eventually(() => errors().split('\n').length >= 3, 'an answer to the third');
    child.kill('SIGTERM');
    const { signal } = await done;

    assert.strictEqual(signal, 'SIGTERM');
    assert.ok(snapshotsIn(folder).length >= 1);
    assert.deepStrictEqual(fs.readdirSync(folder).filter((name) => name.includes('partial')), []);
    for (const name of snapshotsIn(folder)) JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8'));
  });
});
