'use strict';

const assert = require('node:assert');
const { test } = require('node:test');

const heapsleuth = require('../index.cjs');
const manifest = require('../package.json');
const { environment, run } = require('./processes.cjs');

const NAMES = ['admin', 'armNearHeapLimit', 'exportOtlp', 'metrics', 'metricsHandler', 'off', 'on', 'once', 'prometheus', 'snapshot', 'start', 'stop', 'version'];

test('both entries export the same, and the types name it all', async () => {
  const esm = await import('../index.mjs');
  const types = require('node:fs').readFileSync(require.resolve('../index.d.ts'), 'utf8');

  assert.deepStrictEqual(Object.keys(heapsleuth).sort(), NAMES);
  assert.deepStrictEqual(Object.keys(esm).filter((name) => name !== 'default').sort(), NAMES);
  for (const name of NAMES) assert.match(types, new RegExp(`export (function|const) ${name}\\b`));
  assert.strictEqual(heapsleuth.version, manifest.version);
});

test('the package has no dependencies, and every file it names is there', () => {
  const { resolve } = require('node:path');
  const { existsSync } = require('node:fs');
  const entries = [manifest.main, manifest.types, ...Object.values(manifest.exports).flatMap((entry) => (
    typeof entry === 'string' ? [entry] : Object.values(entry)
  ))];

  assert.ok(!manifest.dependencies && !manifest.optionalDependencies && !manifest.scripts.postinstall);
  for (const entry of entries) assert.ok(existsSync(resolve(__dirname, '..', entry)), entry);
});

test('the types are the package\'s options', () => {
  const { readOptions } = require('../lib/options.cjs');
  const types = require('node:fs').readFileSync(require.resolve('../index.d.ts'), 'utf8');
  const block = types.slice(types.indexOf('interface StartOptions'), types.indexOf('interface SnapshotOptions'));
  const typed = [...block.matchAll(/^ {2}(\w+)\?:/gm)].map((match) => match[1]);

  assert.deepStrictEqual(typed.sort(), Object.keys(readOptions({})).filter((name) => name !== 'warnings').sort());
});

test('what is not used is not loaded', async () => {
  const source = `
    const heapsleuth = require(${JSON.stringify(require.resolve('../index.cjs'))});
    heapsleuth.start();
    const unused = /[\\\\/]lib[\\\\/](events|metrics|otlp|admin)[\\\\/]/;
    console.log(Object.keys(require.cache).filter((file) => unused.test(file)).length);
  `;
  const { stdout } = await run(['-e', source], { env: environment({ NODE_OPTIONS: '' }) });

  assert.strictEqual(stdout, '0\n');
});

test('metrics works without a running agent', () => {
  const sample = heapsleuth.metrics();

  assert.ok(sample.heap_used_bytes > 0 && sample.rss_bytes > 0 && sample.handles >= 0);
  assert.ok(!('gc_count' in sample));
});

test('start and stop say whether they did something, and stop takes everything back', async () => {
  const program = `
    const heapsleuth = require(${JSON.stringify(require.resolve('../index.cjs'))});
    const channels = require('node:diagnostics_channel');
    const listeners = () => [
      process.listenerCount('SIGUSR2'), process.listenerCount('newListener'),
      channels.channel('http.server.request.start').hasSubscribers,
    ];
    const before = listeners();
    console.log(heapsleuth.stop(), heapsleuth.start(), heapsleuth.start());
    console.log(String(listeners().map((count, i) => count - before[i])));
    console.log('gc_count' in heapsleuth.metrics());
    console.log(heapsleuth.stop(), heapsleuth.stop(), String(listeners()) === String(before));
  `;
  const { stdout, stderr } = await run(['-e', program], { env: environment({ NODE_OPTIONS: '' }) });

  assert.strictEqual(stderr, '');
  assert.deepStrictEqual(stdout.trim().split('\n'), ['false true false', '1,1,1', 'true', 'true false true']);
});

test('the agent keeps no process alive, whatever of it is in use', async () => {
  const { withCollector } = require('./collector.cjs');
  await withCollector(async (collector) => {
    const exit = 'process.on("exit", () => { if (performance.now() - ended > 8000) console.log("kept alive"); });';
    const programs = ['const ended = performance.now()', 'let ended; setTimeout(() => { ended = performance.now(); }, 400)'];
    for (const program of programs.map((one) => `${one}; ${exit}`)) {
      const env = environment({ HEAPSLEUTH_COLLECTOR: collector.url });
      const { code, stdout, stderr } = await run(['-e', program], { env });
      assert.deepStrictEqual([code, stdout, stderr], [0, '', '']);
    }
    assert.ok(collector.messages.length > 0, 'it did report');
  });
});

test('10,000 timers and 1,000 sockets do not stand in its way', async () => {
  const { withCollector } = require('./collector.cjs');
  await withCollector(async (collector) => {
    const program = `
      for (let i = 0; i < 10_000; i += 1) setTimeout(() => {}, 3_600_000);
      const net = require('node:net');
      let open = 0;
      const server = net.createServer().listen(0, '127.0.0.1', () => {
        for (let i = 0; i < 1000; i += 1) {
          net.connect(server.address().port, '127.0.0.1', () => { if (++open === 1000) setTimeout(() => process.exit(), 500); });
        }
      });
    `;
    const env = environment({ HEAPSLEUTH_COLLECTOR: collector.url });
    const { code, stderr } = await run(['-e', program], { env });
    assert.deepStrictEqual([code, stderr], [0, '']);
    assert.ok(collector.samples.at(-1).handles >= 10_000);
    assert.strictEqual(collector.messages.at(-1).counters.errors, 0);
  });
});
