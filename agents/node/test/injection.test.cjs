'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { pathToFileURL } = require('node:url');

const { withCollector } = require('./collector.cjs');
const { REGISTER, environment, run, start } = require('./processes.cjs');

const reporting = (collector, extra = {}) => environment({ HEAPSLEUTH_COLLECTOR: collector.url, ...extra });

test('NODE_OPTIONS brings the agent into CommonJS and ES modules', async () => {
  for (const program of ['agent_seen.cjs', 'agent_seen.mjs']) {
    const { stdout, stderr, code } = await run([program]);
    assert.deepStrictEqual([stdout, stderr, code], ['agent\n', '', 0]);
  }
});

test('--import brings it as well, and both together start one agent', async () => {
  const address = pathToFileURL(REGISTER).href;
  for (const NODE_OPTIONS of [`--import ${address}`, `--require "${REGISTER}" --import ${address}`]) {
    await withCollector(async (collector) => {
      const { child } = start(['stays.cjs'], { env: reporting(collector, { NODE_OPTIONS }) });
      await collector.until(() => collector.messages.length >= 3, 'reports');
      child.kill();
      assert.strictEqual(new Set(collector.messages.map((message) => message.instance)).size, 1);
    });
  }
});

test('a path with blanks works when quoted', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'heap sleuth '));
  try {
    fs.symlinkSync(path.dirname(REGISTER), path.join(folder, 'agent'));
    const NODE_OPTIONS = `--require "${path.join(folder, 'agent', 'register.cjs')}"`;
    const { stdout } = await run(['agent_seen.cjs'], { env: environment({ NODE_OPTIONS }) });
    assert.strictEqual(stdout, 'agent\n');
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('children get the agent, and those with an environment of their own are left alone', async () => {
  const { stdout, code } = await run(['children.cjs']);

  assert.strictEqual(code, 0);
  assert.deepStrictEqual(stdout.trim().split('\n').sort(), ['bare no agent', 'exec agent', 'fork agent', 'spawn agent']);
});

test('every worker thread reports as an instance of its own, without what is the process\'s', async () => {
  await withCollector(async (collector) => {
    const { done } = start(['workers.cjs'], { env: reporting(collector) });
    await collector.until(() => new Set(collector.messages.map((message) => message.instance)).size === 3, 'three instances');
    const { stdout, code } = await done;

    assert.strictEqual(code, 0);
    assert.deepStrictEqual(
      stdout.trim().split('\n').sort(),
      ['{"env":{}} no agent', '{"execArgv":[]} agent', '{} agent'],
    );
    assert.deepStrictEqual([...new Set(collector.messages.map((message) => message.role))].sort(), ['main', 'worker']);
    assert.strictEqual(new Set(collector.messages.map((message) => message.pid)).size, 1);
    const worker = collector.messages.find((message) => message.role === 'worker');
    assert.ok(worker.thread > 0);
    assert.ok(worker.samples[0].heap_used_bytes > 0);
    assert.ok(!('rss_bytes' in worker.samples[0]));
  });
});

test('a cluster of four reports as five instances', async () => {
  await withCollector(async (collector) => {
    const { child, done } = start(['cluster.cjs'], { env: reporting(collector) });
    const roles = () => Object.fromEntries(collector.messages.map((message) => [message.instance, message.role]));
    await collector.until(() => Object.keys(roles()).length === 5, 'five instances');
    child.kill();
    await done;

    assert.deepStrictEqual(Object.values(roles()).sort(), [...Array(4).fill('cluster-worker'), 'main']);
    const workers = collector.messages.filter((message) => message.role === 'cluster-worker');
    assert.ok(workers.every((message) => message.ppid === child.pid));
  });
});

test('threads that Node starts for loader hooks stay idle', async () => {
  await withCollector(async (collector) => {
    const { stdout } = await run(['with_loader.mjs'], { env: reporting(collector) });

    assert.match(stdout, /^agent$/m);
    assert.deepStrictEqual([...new Set(collector.messages.map((message) => message.role))], ['main']);
  });
});

test('inside npm the agent stays idle, and in the script that npm runs it does not', async () => {
  const npm = path.join(path.dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'heapsleuth-'));
  try {
    // npm itself comes with few of the Node binaries under test; what decides is the script's path.
    const stand = path.join(folder, 'node_modules', 'npm', 'bin', 'npm-cli.js');
    fs.mkdirSync(path.dirname(stand), { recursive: true });
    fs.writeFileSync(stand, `
      console.log('npm', globalThis[Symbol.for('heapsleuth.agent')] ? 'agent' : 'no agent');
      require('node:child_process').execFileSync(process.execPath, ['app.js'], { stdio: 'inherit' });
    `);
    fs.writeFileSync(path.join(folder, 'app.js'), `
      console.log('app', globalThis[Symbol.for('heapsleuth.agent')] ? 'agent' : 'no agent');
    `);
    const { stdout } = await run([stand], { cwd: folder });
    assert.deepStrictEqual(stdout.trim().split('\n'), ['npm no agent', 'app agent']);

    if (!fs.existsSync(npm)) return;
    fs.writeFileSync(path.join(folder, 'package.json'), '{"name":"shop","version":"3.1.4","scripts":{"start":"node app.js"}}');
    const started = await run([npm, '--offline', 'start'], { cwd: folder });
    assert.match(started.stdout, /^app agent$/m);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('an agent that cannot load leaves the program as it is', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'heapsleuth-'));
  try {
    fs.copyFileSync(REGISTER, path.join(folder, 'register.cjs'));
    const NODE_OPTIONS = `--require "${path.join(folder, 'register.cjs')}"`;
    const { stdout, stderr, code } = await run(['agent_seen.cjs'], { env: environment({ NODE_OPTIONS }) });
    assert.deepStrictEqual([stdout, stderr, code], ['no agent\n', '', 0]);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
