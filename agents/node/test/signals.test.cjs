'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const { ancestorCommands, ownerOf } = require('../lib/signals.cjs');
const { withCollector } = require('./collector.cjs');
const { environment, eventually, start } = require('./processes.cjs');

// Node has listeners of its own, so a program is compared with itself without the agent.
const LISTENERS = 'console.log(process.listenerCount("SIGUSR2"), process.listenerCount("newListener"))';

const FREE = { env: {}, execArgv: [], listeners: () => 0, report: null, ancestors: () => ['sh -c node app.js'] };

test('a signal nobody uses has no owner', () => {
  assert.strictEqual(ownerOf('SIGUSR2', FREE), null);
});

test('flags, listeners and nodemon own the signal', () => {
  const owners = [
    { execArgv: ['--heapsnapshot-signal=SIGUSR2'] },
    { execArgv: ['--heapsnapshot-signal', 'SIGUSR2'] },
    { env: { NODE_OPTIONS: '--inspect --heapsnapshot-signal=SIGUSR2' } },
    { report: { reportOnSignal: true, signal: 'SIGUSR2' } },
    { listeners: () => 1 },
    { env: { npm_lifecycle_script: 'nodemon src/app.js' } },
    { ancestors: () => ['sh -c node app.js', 'node /app/node_modules/.bin/nodemon app.js'] },
    { ancestors: () => ['node /app/node_modules/nodemon/bin/nodemon.js app.js'] },
  ];
  for (const owner of owners) {
    assert.ok(ownerOf('SIGUSR2', { ...FREE, ...owner }), JSON.stringify(owner));
  }
});

test('other signals, and things that only sound like nodemon, own nothing', () => {
  assert.strictEqual(ownerOf('SIGUSR2', { ...FREE, execArgv: ['--heapsnapshot-signal=SIGUSR1'] }), null);
  assert.strictEqual(ownerOf('SIGUSR2', { ...FREE, report: { reportOnSignal: false, signal: 'SIGUSR2' } }), null);
  assert.strictEqual(ownerOf('SIGUSR2', { ...FREE, ancestors: () => ['node my-nodemon-notes.js'] }), null);
  assert.strictEqual(ownerOf('SIGHUP', { ...FREE, ancestors: () => ['nodemon app.js'] }), null);
});

test('the ancestors of this process are found', { skip: process.platform !== 'linux' }, () => {
  assert.ok(ancestorCommands().length >= 1);
  assert.ok(ancestorCommands().every((command) => command.length > 0));
});

test('the signal takes one snapshot, says where, and the program goes on', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'heapsleuth-'));
  try {
    await withCollector(async (collector) => {
      const env = environment({ HEAPSLEUTH_COLLECTOR: collector.url, HEAPSLEUTH_SNAPSHOT_DIR: folder, HEAPSLEUTH_SERVICE: 'shop' });
      const { child, done, errors } = start(['stays.cjs'], { env });
      await collector.until(() => collector.messages.length > 0, 'first report');
      child.kill('SIGUSR2');
      const event = await collector.until(() => collector.events.find((one) => one.type === 'snapshot'), 'the event');
      await eventually(() => errors().includes('written'), 'the message');
      child.kill('SIGTERM');
      const { signal, stderr } = await done;

      assert.strictEqual(signal, 'SIGTERM');
      assert.deepStrictEqual([event.ok, event.reason], [true, 'signal']);
      assert.ok(fs.existsSync(event.path));
      assert.match(path.basename(event.path), /^shop-.*signal/);
      assert.strictEqual(stderr, `heapsleuth: heap snapshot written to ${event.path}\n`);
    });
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('the program\'s own listener gets the signal, and one message says so', async () => {
  const program = `
    process.on('SIGUSR2', () => { console.log('mine'); process.exit(); });
    process.on('SIGUSR2', () => {});
    setInterval(() => {}, 1000);
    console.log('ready');
  `;
  const { child, done, output } = start(['-e', program]);
  await eventually(() => output().includes('ready'), 'ready');
  child.kill('SIGUSR2');
  const { stdout, stderr, code } = await done;

  assert.deepStrictEqual([code, stdout], [0, 'ready\nmine\n']);
  assert.strictEqual(stderr.match(/heapsleuth/g).length, 1);
  assert.match(stderr, /SIGUSR2 belongs to a listener of the application/);
});

test('with --report-on-signal or --heapsnapshot-signal the agent has no listener', async () => {
  for (const flag of ['--report-on-signal', '--heapsnapshot-signal=SIGUSR2']) {
    const args = [flag, '-e', LISTENERS];
    const without = await start(args, { env: environment({ NODE_OPTIONS: '' }) }).done;
    const { stdout, stderr } = await start(args).done;
    assert.strictEqual(stdout, without.stdout);
    assert.match(stderr, new RegExp(`^heapsleuth: SIGUSR2 belongs to ${flag}`));
  }
});

test('below nodemon the signal stays nodemon\'s', { skip: process.platform !== 'linux' }, async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'heapsleuth-'));
  try {
    const nodemon = path.join(folder, 'nodemon.js');
    fs.writeFileSync(nodemon, `
      const child = require('node:child_process').spawn('sh', ['-c', process.argv[2] + '; true'], { stdio: 'inherit' });
      child.on('close', () => {});
    `);
    const { stdout, stderr } = await start([nodemon, `"${process.execPath}" -e "console.log(process.listenerCount('SIGUSR2'))"`], {
      env: environment({ HEAPSLEUTH_SNAPSHOT_SIGNAL: '' }),
    }).done;
    assert.strictEqual(stdout, '0\n');
    assert.match(stderr, /belongs to nodemon/);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('HEAPSLEUTH_SNAPSHOT_SIGNAL=none installs nothing and says nothing', async () => {
  const args = ['-e', LISTENERS];
  const without = await start(args, { env: environment({ NODE_OPTIONS: '' }) }).done;
  const { stdout, stderr } = await start(args, { env: environment({ HEAPSLEUTH_SNAPSHOT_SIGNAL: 'none' }) }).done;

  assert.deepStrictEqual([stdout, stderr], [without.stdout, '']);
});

test('a message that nobody can read does no harm', { skip: process.platform !== 'linux' }, async () => {
  const { stdout, code } = await start(['-e', `
    require('node:child_process').execFileSync('sh', ['-c', '"$0" -e "$1" 2>&-; echo closed $?', process.execPath, \`
      process.on('SIGUSR2', () => {});
      setTimeout(() => {}, 200);
    \`], { stdio: 'inherit' });
  `]).done;

  assert.deepStrictEqual([code, stdout], [0, 'closed 0\n']);
});
