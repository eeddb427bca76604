'use strict';

const assert = require('node:assert/strict');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { test } = require('node:test');
const { armNearLimit, preflight } = require('../lib/snapshot/index.cjs');
const { cgroupMemory } = require('../lib/snapshot/cgroup.cjs');
const { learn, predict } = require('../lib/snapshot/predict.cjs');
const { refusal } = require('../lib/snapshot/preflight.cjs');
const { fakeRoot } = require('./fake-root.cjs');
const { attempts } = require('./processes.cjs');
const { folderFor, runChild } = require('./snapshot-folders.cjs');

const FIGURES = { node: '20.20.2', used_bytes: 200e6, large_bytes: 4e6, gc_cpu_ms: 240, slowdown: 1 };

for (const shape of ['api', 'nested', 'texts']) {
  test(`the prediction for a heap of ${shape} is right within a factor of 2`, { skip: process.platform !== 'linux' && 'only on Linux' }, async (t) => {
    const program = path.join(__dirname, 'snapshot-shapes.cjs');
    // Others on the machine take the caches away, and so CPU time.
    await attempts(() => {
      const { predicted, actual } = JSON.parse(execFileSync(process.execPath, [program, shape, '20', folderFor(t)], { encoding: 'utf8' }));
      const within = (said, got, factor, spare = 0) => said <= got * factor + spare && said >= got / factor - spare;

      assert.ok(within(predicted.nodes, actual.nodes, 2), `nodes: ${predicted.nodes}, were ${actual.nodes}`);
      assert.ok(within(predicted.file_bytes, actual.bytes, 2), `file: ${predicted.file_bytes}, was ${actual.bytes}`);
      assert.ok(within(predicted.extra_bytes, actual.extra_bytes, 2, 32e6), `memory: ${predicted.extra_bytes}, was ${actual.extra_bytes}`);
      // CPU time, because other tests run on this machine.
      assert.ok(within(predicted.pause_cpu_ms, actual.pause_cpu_ms, 2.5), `pause: ${predicted.pause_cpu_ms}, was ${actual.pause_cpu_ms}`);
    }, 4);
  });
}

test('as many bytes are many nodes when a GC is slow, and few when it is quick', () => {
  const objects = predict({ ...FIGURES, gc_cpu_ms: 240 });
  const strings = predict({ ...FIGURES, gc_cpu_ms: 12 });

  assert.ok(objects.nodes > 3.5e6 && objects.nodes < 5.5e6, String(objects.nodes));
  assert.ok(strings.nodes < 3e5, String(strings.nodes));
  assert.ok(objects.extra_bytes > 5 * strings.extra_bytes);
});

test('large tables make nodes dearer, up to a bound', () => {
  const plain = predict({ ...FIGURES, large_bytes: 0 });
  const tables = predict({ ...FIGURES, large_bytes: 60e6 });

  assert.ok(tables.extra_bytes > 2 * plain.extra_bytes);
  assert.ok(tables.extra_bytes <= 20e6 + tables.nodes * 1350);
});

test('without a GC the doubt is told as a wider range', () => {
  const [low, high] = predict({ ...FIGURES, gc_cpu_ms: null }).ranges.pause_ms;
  const [probedLow, probedHigh] = predict(FIGURES).ranges.pause_ms;

  assert.ok(high / low > 2 * (probedHigh / probedLow));
});

test('a version of Node that nobody measured is taken for the nearest older one', () => {
  assert.deepEqual(predict({ ...FIGURES, node: '23.1.0' }), predict({ ...FIGURES, node: '22.1.0' }));
  assert.deepEqual(predict({ ...FIGURES, node: '99.0.0' }), predict({ ...FIGURES, node: '26.0.0' }));
});

test('a snapshot teaches the next prediction of its process', () => {
  const first = predict(FIGURES);
  const actual = { nodes: first.nodes * 1.8, pause_cpu_ms: first.pause_cpu_ms * 1.2, extra_bytes: first.extra_bytes * 1.5, bytes: first.file_bytes * 2 };
  const second = predict({ ...FIGURES, learned: learn(FIGURES, first, actual) });

  for (const [said, got] of [[second.nodes, actual.nodes], [second.pause_cpu_ms, actual.pause_cpu_ms], [second.extra_bytes, actual.extra_bytes], [second.file_bytes, actual.bytes]]) {
    assert.ok(said / got > 0.75 && said / got < 1.35, `${said} for ${got}`);
  }
});

test('the pre-flight forces no garbage collection unless asked', async () => {
  const program =
    "const { PerformanceObserver } = require('node:perf_hooks'); let majors = 0;" +
    "new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (entry.detail.kind === 4) majors += 1; }).observe({ entryTypes: ['gc'] });" +
    'const turn = () => new Promise((resolve) => setTimeout(resolve, 50));' +
    'await turn(); majors = 0; snapshot.preflight(); await turn(); const without = majors;' +
    'snapshot.preflight({ gc: true }); await turn(); done([without, majors > 0, typeof globalThis.gc]);';

  // V8 may make one of its own accord.
  await attempts(async () => {
    assert.deepEqual((await runChild(program)).result, [0, true, 'undefined']);
  });
});

test('the heap limit is that of the old generation, as asked for by the flag', async () => {
  const figures = (flags) => runChild('done(snapshot.preflight())', { flags }).then(({ result }) => result.heap_limit_bytes / 2 ** 20);

  assert.equal(await figures(['--max-old-space-size=256']), 256);
  assert.equal(await figures(['--max-old-space-size=256', '--max-semi-space-size=4']), 256);
});

test('figures of the pre-flight are those of this process and this disk', (t) => {
  const figures = preflight({ folder: folderFor(t) });

  assert.ok(figures.heap_used_bytes > 1e6 && figures.heap_used_bytes < figures.heap_limit_bytes);
  assert.ok(figures.free_memory_bytes > 0 && figures.free_memory_bytes <= os.totalmem());
  assert.ok(figures.free_disk_bytes > 0);
  assert.ok(figures.predicted.nodes > 10_000);
});

test('too little memory is refused with the container\'s figures', () => {
  const figures = {
    heap_limit_bytes: 2e9, heap_used_bytes: 3e8, free_disk_bytes: 1e12, free_memory_bytes: 1e9,
    cgroup_limit_bytes: 2e9, cgroup_used_bytes: 1e9, predicted: { nodes: 6e6, pause_ms: 17e3, extra_bytes: 21e8, file_bytes: 5e8 },
    ranges: { file_bytes: [2e8, 1e9] },
  };

  const { code, text } = refusal(figures);
  assert.equal(code, 'memory');
  assert.match(text, /need about 2\.1 GB more memory \(3\.15 GB to be safe; about 6,000,000 nodes, 17 s pause\), and 1 GB are free \(container limit 2 GB, 1 GB used\)/);
  assert.equal(refusal({ ...figures, free_memory_bytes: 4e9 }), null);
  assert.equal(refusal({ ...figures, free_memory_bytes: 4e9, heap_used_bytes: 1.81e9 }).code, 'too-near-limit');
  assert.equal(refusal({ ...figures, free_memory_bytes: 4e9, free_disk_bytes: 9e8 }).code, 'disk');
  assert.equal(refusal({ ...figures, free_memory_bytes: 4e9, free_disk_bytes: null }), null);
});

test('a cgroup v2 limit is found in the group or above it, without pages that can be dropped', (t) => {
  const root = fakeRoot(t, {
    'proc/self/cgroup': '0::/app/inner\n',
    'sys/fs/cgroup/app/inner/memory.max': 'max\n',
    'sys/fs/cgroup/app/inner/memory.current': '400000000\n',
    'sys/fs/cgroup/app/memory.max': '1000000000\n',
    'sys/fs/cgroup/app/memory.current': '700000000\n',
    'sys/fs/cgroup/app/memory.stat': 'anon 1\ninactive_file 200000000\nfile 3\n',
  });

  assert.deepEqual(cgroupMemory(root), { version: 2, limitBytes: 1e9, usedBytes: 5e8, freeBytes: 5e8 });
});

test('a cgroup v1 limit is found where the container sees it, at the mount\'s root', (t) => {
  const root = fakeRoot(t, {
    'proc/self/cgroup': '5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n',
    'sys/fs/cgroup/memory/memory.limit_in_bytes': '500000000\n',
    'sys/fs/cgroup/memory/memory.usage_in_bytes': '450000000\n',
    'sys/fs/cgroup/memory/memory.stat': 'inactive_file 1\ntotal_inactive_file 50000000\n',
  });

  assert.deepEqual(cgroupMemory(root), { version: 1, limitBytes: 5e8, usedBytes: 4e8, freeBytes: 1e8 });
});

test('on a hybrid system the hierarchy that has the memory controller counts', (t) => {
  const root = fakeRoot(t, {
    'proc/self/cgroup': '4:memory:/x\n0::/y\n',
    'sys/fs/cgroup/memory/x/memory.limit_in_bytes': '300000000\n',
    'sys/fs/cgroup/memory/x/memory.usage_in_bytes': '100000000\n',
    'sys/fs/cgroup/unified/y/cgroup.procs': '1\n',
  });

  assert.equal(cgroupMemory(root).limitBytes, 3e8);
});

test('no limit is told as none, however the kernel spells it', (t) => {
  const v1 = { 'proc/self/cgroup': '4:memory:/\n', 'sys/fs/cgroup/memory/memory.usage_in_bytes': '1\n' };
  const unlimited = fakeRoot(t, { ...v1, 'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n' });

  assert.equal(cgroupMemory(unlimited), null);
  assert.equal(cgroupMemory(fakeRoot(t, { 'proc/self/cgroup': '0::/\n' })), null);
  assert.equal(cgroupMemory(fakeRoot(t, {})), null);
});

test('the near-limit snapshot is armed where it fits and otherwise says what it would need', async (t) => {
  const arm = "done([snapshot.armNearLimit(), snapshot.armNearLimit()]);";
  const fits = await runChild(arm, { flags: ['--max-old-space-size=32'], cwd: folderFor(t) });
  const tooBig = await runChild(arm, { flags: ['--max-old-space-size=2000000'], cwd: folderFor(t) });

  assert.deepEqual(fits.result.map(({ armed }) => armed), [true, true]);
  assert.deepEqual(tooBig.result.map(({ armed, code }) => [armed, code]), [[false, 'memory'], [false, 'memory']]);
  assert.match(tooBig.result[0].text, /would need about [\d.]+ TB more memory/);
  assert.equal(typeof armNearLimit, 'function');
});
