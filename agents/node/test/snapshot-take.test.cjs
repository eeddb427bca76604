'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');
const { take } = require('../lib/snapshot/index.cjs');
const { baseName } = require('../lib/snapshot/names.cjs');
const { folderFor, runChild, serviceFor, taking } = require('./snapshot-folders.cjs');

const MAJOR = Number.parseInt(process.versions.node, 10);

function read(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

test('a snapshot appears complete, under a name that says what it is, beside its sidecar', async (t) => {
  const dir = folderFor(t);
  const service = serviceFor(t);
  const result = await take({ dir, service, release: '1.2/x', reason: 'api', counters: { requests_total: 42 } });

  const { snapshot } = read(result.path);
  assert.equal(snapshot.node_count, result.nodes);
  assert.equal(snapshot.edge_count, result.edges);
  assert.equal(fs.statSync(result.path).size, result.bytes);
  const name = path.basename(result.path);
  assert.match(name, new RegExp(`^${service}-1\\.2_x-${process.pid}-\\d{8}T\\d{6}\\.\\d{3}Z-api-\\d{3}\\.heapsnapshot$`));
  assert.deepEqual(fs.readdirSync(dir).sort(), [name, `${name}.json`]);
});

test('the sidecar has the work, what was predicted and what it cost', async (t) => {
  const service = serviceFor(t);
  const result = await take({ dir: folderFor(t), service, release: '7', reason: 'signal', counters: { requests_total: 42, errors: 1 } });
  const sidecar = read(result.sidecar);

  assert.equal(sidecar.format, 'heapsleuth/sidecar');
  assert.equal(sidecar.version, 1);
  assert.equal(sidecar.work, 42);
  assert.deepEqual(sidecar.counters, { requests_total: 42, errors: 1 });
  assert.deepEqual([sidecar.service, sidecar.release, sidecar.pid, sidecar.reason], [service, '7', process.pid, 'signal']);
  assert.equal(sidecar.node, process.versions.node);
  assert.ok(Math.abs(Date.parse(sidecar.time) - Date.now()) < 60_000);
  assert.deepEqual(sidecar.predicted, result.predicted);
  assert.equal(sidecar.actual.nodes, result.nodes);
  assert.ok(sidecar.actual.pause_ms > 0);
});

test('without a count of work the sidecar has none, rather than zero', async (t) => {
  const result = await take({ dir: folderFor(t), service: serviceFor(t) });

  assert.ok(!('work' in read(result.sidecar)));
});

test('a given path is the file, and a file there is replaced only by a complete one', async (t) => {
  const file = path.join(folderFor(t), 'mine.heapsnapshot');
  fs.writeFileSync(file, 'old');
  const result = await take({ path: file, service: serviceFor(t) });

  assert.equal(result.path, file);
  assert.ok(read(file).strings.length > 0);
});

test('parts of a name cannot leave the folder, hide the file or grow without bound', () => {
  const name = baseName({ service: '../../etc/passwd', release: '.hidden', reason: 'x'.repeat(500) });

  assert.match(name, /^etc_passwd-hidden-\d+-[\dTZ.]+-x{40}-\d+$/);
  assert.match(baseName({ service: '', release: '…', reason: null }), /^node-unknown-\d+-[\dTZ.]+-request-\d+$/);
});

test('two names of the same millisecond differ', () => {
  const date = new Date(0);

  assert.notEqual(baseName({ date }), baseName({ date }));
});

test('numeric values are exposed where Node can, and named as ignored where it cannot', async (t) => {
  globalThis.probeOfNumbers = { value: Math.random() };
  const digits = String(globalThis.probeOfNumbers.value).slice(2, 6);
  const result = await take({ dir: folderFor(t), service: serviceFor(t), exposeNumericValues: true });
  const shown = read(result.path).strings.some((text) => /^0\.\d+$/.test(text) && text.includes(digits));
  delete globalThis.probeOfNumbers;

  assert.deepEqual([shown, result.ignored], MAJOR >= 20 ? [true, []] : [false, ['exposeNumericValues']]);
});

test('a string limit holds for its snapshot and not for the next', async (t) => {
  globalThis.probeOfLength = Buffer.from(`probe${'y'.repeat(900)}`).toString('latin1');
  const dir = folderFor(t);
  const service = serviceFor(t);
  const short = await take({ dir, service, stringLimit: 50 });
  const long = await take({ dir, service });
  const lengths = [short, long].map(({ path: file }) =>
    Math.max(...read(file).strings.filter((text) => text.startsWith('probeyyy')).map((text) => text.length)));
  delete globalThis.probeOfLength;

  assert.deepEqual(lengths, [50, 905]);
});

test('a worker thread writes the heap of its own thread, named by its thread id', async (t) => {
  const dir = folderFor(t);
  const worker = new Worker(
    "const { parentPort, workerData } = require('node:worker_threads');" +
      'globalThis.onlyInTheWorker = class OnlyInTheWorker {}; globalThis.one = new onlyInTheWorker();' +
      'require(workerData.library).take(workerData.options).then((ok) => parentPort.postMessage(ok));',
    { eval: true, workerData: { library: require.resolve('../lib/snapshot/index.cjs'), options: { dir, service: serviceFor(t) } } },
  );
  const result = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await worker.terminate();

  assert.match(path.basename(result.path), new RegExp(`-${process.pid}\\.${worker.threadId === -1 ? '\\d+' : worker.threadId}-`));
  assert.ok(read(result.path).strings.includes('OnlyInTheWorker'));
});

test('taking a snapshot keeps no process alive and prints nothing', async (t) => {
  const { result, code, stderr } = await runChild(taking({ dir: folderFor(t), service: serviceFor(t) }));

  assert.equal(code, 0);
  assert.equal(stderr, '');
  assert.equal(result.ok.kind, 'snapshot');
});
