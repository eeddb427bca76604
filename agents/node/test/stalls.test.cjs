'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const { Guard } = require('../lib/errors.cjs');
const { Stalls } = require('../lib/watch/stalls.cjs');
const { withCollector } = require('./collector.cjs');
const { environment, eventually, start } = require('./processes.cjs');

const stallsOf = (onStall) => new Stalls({ guard: new Guard(), onStall });

function block(ms) {
  for (const end = performance.now() + ms; performance.now() < end;);
}

test('the slowest requests of an interval are told, and none when all are alike', () => {
  const stalls = stallsOf();
  for (let i = 0; i < 1000; i += 1) {
    const ms = i % 100;
    if (ms >= stalls.slowFrom) stalls.request(i, ms, 'GET /', 200);
  }
  const event = stalls.take(30_000, 15);

  assert.strictEqual(event.requests.length, 50);
  assert.ok(event.requests.every(({ ms }) => ms >= 60), 'four times the median');
  assert.ok(event.requests.some(({ ms }) => ms === 99));
  assert.deepStrictEqual([event.interval_ms, event.median_ms, event.stalls], [30_000, 15, []]);
  assert.strictEqual(stalls.take(30_000, 15), null);
});

test('however quick the rest, 19 ms are not slow', () => {
  const stalls = stallsOf();
  assert.ok(stalls.slowFrom > 19);
  stalls.request(1, 21, 'GET /', 200);
  assert.strictEqual(stalls.take(1000, 0.1).requests.length, 1);
  assert.ok(stalls.slowFrom > 19);
});

test('the part of a stall that was garbage collection is what the two have in common', () => {
  const stalls = stallsOf();
  stalls.stall(1000, 200);
  stalls.stall(5000, 100);
  stalls.collection(990, 30);
  stalls.collection(1100, 50);
  stalls.collection(4000, 20);
  const event = stalls.take(30_000, 1);

  assert.deepStrictEqual(event.stalls.map(({ ms, gc_ms }) => [ms, gc_ms]), [[200, 70], [100, 0]]);
  assert.ok(Math.abs(event.stalls[1].at_ms - event.stalls[0].at_ms - 4000) < 0.01);
});

test('a long collection is a stall of its own where no tick was due, and told once', () => {
  const stalls = stallsOf();
  stalls.collection(1000, 80);
  stalls.collection(2000, 30);

  assert.deepStrictEqual(stalls.take(1000, 1).stalls.map(({ ms, gc_ms }) => [ms, gc_ms]), [[80, 80]]);
  assert.strictEqual(stalls.take(1000, 1), null);
});

test('memory is bounded however much is slow', () => {
  const stalls = stallsOf();
  for (let i = 0; i < 100_000; i += 1) {
    stalls.request(i, 100 + (i % 7), 'GET /', 200);
    stalls.stall(i, 60);
    stalls.collection(i, 70);
  }
  const event = stalls.take(1000, 1);

  assert.deepStrictEqual([event.requests.length, event.stalls.length], [50, 200]);
  assert.ok(JSON.stringify(event).length < 64 * 1024);
});

test('while a request is under way a blocked loop is noticed with its beginning', async () => {
  const told = [];
  const stalls = stallsOf((ms) => told.push(ms));
  stalls.open = 1;
  stalls.begin(performance.now());
  const begun = performance.timeOrigin + performance.now();
  block(200);
  await eventually(() => told.length > 0, 'the stall');
  const [stall] = stalls.take(1000, 1).stalls;
  stalls.stop();

  assert.ok(stall.ms >= 150, `${stall.ms} ms`);
  assert.ok(Math.abs(stall.at_ms - begun) <= 50, `began ${stall.at_ms - begun} ms off`);
});

test('when no request is under way nothing ticks', async () => {
  const stalls = stallsOf();
  stalls.open = 1;
  stalls.begin(performance.now());
  await new Promise((resolve) => { setTimeout(resolve, 200); });
  assert.strictEqual(stalls.isTicking, true);
  stalls.open = 0;
  await eventually(() => !stalls.isTicking, 'it goes to sleep');
  stalls.begin(performance.now() - 3_600_000);
  stalls.open = 1;
  await eventually(() => !stalls.isTicking, 'one that waits for ever keeps nothing awake');
  stalls.stop();
  stalls.begin(performance.now());
  assert.strictEqual(stalls.isTicking, false, 'stopped for good');
});

const SLOW_SERVER = `
  const http = require('node:http');
  function block(ms) { for (const end = performance.now() + ms; performance.now() < end;); }
  function renderReport() { block(400); }
  const server = http.createServer((request, response) => {
    if (request.url.startsWith('/report')) renderReport();
    response.end('x');
  }).listen(0, '127.0.0.1', () => {
    const ask = (path) => http.get({ port: server.address().port, host: '127.0.0.1', path }, (reply) => reply.resume());
    setInterval(() => ask('/quick'), 25);
    setInterval(() => ask('/report/7'), 1000);
  });
`;

test('slow requests and stalls are reported together', async () => {
  await withCollector(async (collector) => {
    const env = environment({ HEAPSLEUTH_COLLECTOR: collector.url, HEAPSLEUTH_INTERVAL_MS: '1500' });
    const { child, done } = start(['-e', SLOW_SERVER], { env });
    const whole = (event) => event.type === 'slow' && event.requests.some(({ route }) => route === 'GET /report/:id')
      && event.stalls.some((stall) => stall.ms >= 300);
    const event = await collector.until(() => collector.events.find(whole), 'both');
    child.kill();
    await done;

    const request = event.requests.find(({ route }) => route === 'GET /report/:id');
    assert.ok(request.ms >= 380 && request.status === 200);
    assert.ok(event.stalls.some(({ at_ms, ms }) => at_ms < request.at_ms + request.ms && at_ms + ms > request.at_ms));
    assert.ok(event.stalls.every(({ ms, gc_ms }) => gc_ms >= 0 && gc_ms <= ms));
  });
});

test('after a long stall the next one is reported with the function that was running', async () => {
  await withCollector(async (collector) => {
    const env = environment({ HEAPSLEUTH_COLLECTOR: collector.url, HEAPSLEUTH_INTERVAL_MS: '500', HEAPSLEUTH_BLOCKED_MS: '200' });
    const { child, done, errors } = start(['-e', SLOW_SERVER], { env });
    const event = await collector.until(() => collector.events.find((one) => one.type === 'blocked' && one.frames.length > 0), 'a name');
    child.kill();
    await done;

    const names = event.frames.map((frame) => frame.function);
    assert.ok(names.includes('renderReport') || names.includes('block'), JSON.stringify(event.frames));
    assert.ok(event.ms >= 200 && event.frames.length <= 10);
    assert.ok(event.frames.every(({ share, line }) => share > 0 && share <= 1 && line >= 0));
    assert.strictEqual(errors(), '');
  });
});

test('without stalls there is no worker, and with a worker the program still ends by itself', { skip: process.platform !== 'linux' }, async () => {
  await withCollector(async (collector) => {
    const quiet = `
      let workers = 0;
      process.on('worker', () => { workers += 1; });
      setTimeout(() => console.log(workers), 3000);
    `;
    // The first stalls may count as those of loading.
    const stalling = `
      function block(ms) { for (const end = performance.now() + ms; performance.now() < end;); }
      let workers = 0;
      let left = 40;
      process.on('worker', () => { workers += 1; });
      const again = setInterval(() => {
        left -= 1;
        if (workers === 0 && left > 0) return block(1000);
        console.log(workers);
        clearInterval(again);
      }, 1500);
    `;
    const env = environment({ HEAPSLEUTH_COLLECTOR: collector.url, HEAPSLEUTH_BLOCKED_MS: '100' });
    const blocked = await start(['-e', stalling], { env }).done;
    const calm = await start(['-e', quiet], { env: { ...env, HEAPSLEUTH_BLOCKED_MS: '30000' } }).done;

    assert.deepStrictEqual([blocked.code, blocked.stdout, blocked.stderr], [0, '1\n', '']);
    assert.deepStrictEqual([calm.code, calm.stdout, calm.stderr], [0, '0\n', '']);
  });
});

test('snapshots from before and after a function was named can be compared', async () => {
  const program = `
    const fs = require('node:fs');
    const { take } = require(${JSON.stringify(path.join(__dirname, '..', 'lib', 'snapshot', 'index.cjs'))});
    function block(ms) { for (const end = performance.now() + ms; performance.now() < end;); }
    globalThis.kept = Array.from({ length: 1000 }, (_, i) => ['marked', i].join('-'));
    async function ids() {
      const { path: file } = await take({ path: process.env.SNAPSHOT, force: true });
      const { snapshot, nodes, strings } = JSON.parse(fs.readFileSync(file));
      const fields = snapshot.meta.node_fields;
      // By number: another string of the same text would be mistaken for the one of before.
      const found = [];
      for (let at = 0; at < nodes.length; at += fields.length) {
        const name = strings[nodes[at + fields.indexOf('name')]];
        if (name.startsWith('marked-')) found[Number(name.slice(7))] = nodes[at + fields.indexOf('id')];
      }
      return found;
    }
    const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
    async function main() {
      await pause(2500);
      const before = await ids();
      for (let i = 0; i < 100 && !fs.existsSync(process.env.NAMED); i += 1) {
        block(400);
        await pause(400);
      }
      const after = await ids();
      console.log(before.length, before.filter((id, i) => after[i] === id).length);
    }
    main();
  `;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hs-ids-'));
  const named = path.join(folder, 'named');
  await withCollector(async (collector) => {
    const env = environment({
      HEAPSLEUTH_COLLECTOR: collector.url, HEAPSLEUTH_INTERVAL_MS: '500', HEAPSLEUTH_BLOCKED_MS: '150',
      SNAPSHOT: path.join(folder, 'a.heapsnapshot'), NAMED: named,
    });
    const { done } = start(['-e', program], { env });
    await collector.until(() => collector.events.find((one) => one.type === 'blocked' && one.frames.length > 0), 'a name');
    fs.writeFileSync(named, '');

    assert.strictEqual((await done).stdout, '1000 1000\n');
  });
  fs.rmSync(folder, { recursive: true });
});

test('what was asked for is no stall of the program\'s', () => {
  const { excused, flag, isExcused } = require('../lib/excused.cjs');
  assert.ok(!isExcused(300));
  excused(() => {
    assert.strictEqual(flag[0], 1);
    block(300);
  });

  assert.deepStrictEqual([flag[0], isExcused(310), isExcused(2000)], [0, true, false]);
  assert.throws(() => excused(() => { throw new Error('disk'); }), /disk/);
  assert.strictEqual(flag[0], 0);
});

test('of a CPU profile the path that most samples took is told, without V8\'s own names', () => {
  const { hotFrames } = require('../lib/watch/blocked.cjs');
  const frame = (functionName, url = 'file:///app/x.js', lineNumber = 6) => ({ functionName, url, lineNumber });
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(root)', ''), children: [2, 3] },
      { id: 2, callFrame: frame('(garbage collector)', '') },
      { id: 3, callFrame: frame(''), children: [4, 5] },
      { id: 4, callFrame: frame('render'), children: [6] },
      { id: 5, callFrame: frame('other') },
      { id: 6, callFrame: frame('now', '') },
    ],
    samples: [2, 2, 2, 2, 2, 4, 4, 5, 6, 6, 6],
  };

  assert.deepStrictEqual(hotFrames(profile), [
    { function: 'render', file: '/app/x.js', line: 7, share: 0.455 },
    { function: '(anonymous)', file: '/app/x.js', line: 7, share: 0.545 },
  ]);
  assert.deepStrictEqual(hotFrames({ nodes: [profile.nodes[1]], samples: [2] }), []);
});
