'use strict';

const assert = require('node:assert');
const { test } = require('node:test');

const { FloorTrend } = require('../lib/events/floor-trend.cjs');
const { SampleWindow } = require('../lib/events/leak.cjs');
const { lateness } = require('../lib/events/loop.cjs');
const { FloorStats } = require('../lib/events/stats.cjs');
const { environment, run } = require('./processes.cjs');

const MB = 1e6;
// A clock that is `minutes` ahead.
const HURRIED_CLOCK = require.resolve('./programs/hurried_clock.cjs');
const INDEX = JSON.stringify(require.resolve('../index.cjs'));

/** Runs a program that has the package as `heapsleuth`; returns the lines it prints. */
async function program(text, { env = {}, args = [] } = {}) {
  const source = `const heapsleuth = require(${INDEX});\n${text}`;
  const done = await run([...args, '-e', source], {
    env: environment({ NODE_OPTIONS: '', ...env }),
    limitMs: 60_000,
  });
  assert.deepStrictEqual([done.code, done.stderr], [0, ''], done.stdout);
  return done.stdout.split('\n').filter(Boolean);
}

/** Park and Miller: noise that is the same in every run. */
function noise(seed) {
  let state = seed;
  const uniform = () => { state = (state * 48271) % 2147483647; return state / 2147483647; };
  return () => uniform() + uniform() + uniform() + uniform() - 2;
}

/** What the rule says of a series of floors, one per 20 s; null if nothing. */
function trendOf(count, floorAt, seed = 1) {
  const next = noise(seed);
  const trend = new FloorTrend();
  let drift = 0;
  for (let i = 0; i < count; i += 1) {
    drift = 0.8 * drift + 0.3 * MB * next();
    const found = trend.add(i * 20_000, floorAt(i / 180) + drift);
    if (found) return found;
  }
  return null;
}

test('a floor that keeps growing is a potential leak, with its rate', () => {
  const found = trendOf(2000, (hours) => 60 * MB + 20 * MB * hours);

  assert.ok(found.bytesPerHour > 18 * MB && found.bytesPerHour < 22 * MB, `${found.bytesPerHour}`);
  assert.ok(found.growth >= 18 * MB && found.endMs - found.startMs >= 3_600_000);
});

test('floors that only wander, step, or fill a cache are none', () => {
  const shapes = {
    flat: () => 60 * MB,
    'cache of 20 minutes': (hours) => 60 * MB + 80 * MB * (1 - Math.exp(-3 * hours)),
    step: (hours) => (hours > 2 ? 75 * MB : 60 * MB),
    falling: (hours) => 90 * MB - 5 * MB * hours,
  };
  const wrong = [];
  for (const [name, floorAt] of Object.entries(shapes)) {
    for (let seed = 1; seed <= 20; seed += 1) if (trendOf(2000, floorAt, seed * 7919)) wrong.push(`${name} ${seed}`);
  }

  assert.ok(wrong.length <= 1, wrong.join(', '));
});

test('the rule by samples wants more than so many bytes per sample, over the whole window', () => {
  const rule = { leakWindow: 10, leakGrowthBytes: 5 * MB };
  const events = (step) => {
    const window = new SampleWindow(rule);
    return Array.from({ length: 25 }, (_, i) => window.add(i * 30_000, 50 * MB + step * i)).filter(Boolean);
  };
  const [first, second, ...more] = events(5.1 * MB);

  assert.deepStrictEqual(events(5 * MB), []);
  assert.deepStrictEqual(more, []);
  assert.strictEqual(first.growth, 45.9 * MB);
  assert.strictEqual(first.rule, 'window');
  assert.strictEqual(first.span_ms, 270_000);
  assert.strictEqual(first.bytes_per_hour, 612 * MB);
  assert.strictEqual(first.end - first.start, first.span_ms);
  assert.strictEqual(first.reason, 'potential leak: heap used grew over 10 samples by 45.9 MB in 5 min, 612 MB per hour');
  assert.ok(second.start > first.end);
});

test('the statistics are memwatch\'s', () => {
  const stats = new FloorStats();
  for (let i = 0; i < 10; i += 1) stats.add(100);
  assert.deepStrictEqual([stats.usageTrend, stats.estimatedBase, stats.min, stats.max], [0, 100, 100, 100]);
  for (let i = 0; i < 10; i += 1) stats.add(200);

  assert.deepStrictEqual([stats.base, stats.min, stats.max], [200, 100, 200]);
  // Ten steps of a tenth against ten of at most an eleventh.
  assert.ok(stats.estimatedBase > 160 && stats.estimatedBase < 200);
  assert.ok(stats.usageTrend > 5 && stats.usageTrend < 20, `${stats.usageTrend}`);
});

test('stats come after major collections, with counts by kind, and nothing is heard after off', async () => {
  const lines = await program(`
    const seen = [];
    const listen = (stats) => seen.push(stats);
    heapsleuth.on('stats', listen);
    const turn = () => new Promise((resolve) => setTimeout(resolve, 50));
    (async () => {
      for (let i = 0; i < 3; i += 1) { gc(); gc({ type: 'minor' }); while (seen.length <= i) await turn(); }
      console.log(JSON.stringify(seen));
      console.log(heapsleuth.off('stats', listen), heapsleuth.off('stats', listen));
      gc(); await turn(); await turn();
      console.log(seen.length);
    })();
  `, { args: ['--expose-gc'] });
  const seen = JSON.parse(lines[0]);

  const keys = ['at', 'num_full_gc', 'num_inc_gc', 'heap_compactions', 'base', 'current_base', 'estimated_base', 'min',
    'max', 'usage_trend'];
  assert.deepStrictEqual(Object.keys(seen[0]), keys);
  assert.ok(seen[2].num_full_gc >= 3 && seen[2].num_inc_gc >= 1);
  assert.ok(seen[2].min <= seen[2].base && seen[2].base <= seen[2].max && seen[2].min > MB);
  assert.deepStrictEqual(lines.slice(1), ['true false', `${seen.length}`]);
});

test('gc tells of pauses over the limit only, with their kind', async () => {
  const text = `
    const keep = Array.from({ length: 200_000 }, (_, i) => ({ i }));
    heapsleuth.on('gc', ({ kind, pause_ms, forced, at }) => console.log(kind, pause_ms > 0, forced, at instanceof Date));
    gc(); setTimeout(() => console.log(keep.length), 300);
  `;
  const quiet = await program(text, { args: ['--expose-gc'], env: { HEAPSLEUTH_GC_PAUSE_MS: '60000' } });
  const told = await program(text, { args: ['--expose-gc'], env: { HEAPSLEUTH_GC_PAUSE_MS: '0' } });

  assert.deepStrictEqual(quiet, ['200000']);
  assert.ok(told.includes('major true true true'), told.join());
});

test('a loop is late by its turns, or by the time it stood still', () => {
  const window = { p99_ms: 15, max_ms: 210, stalled_ms: 0, window_ms: 60_000 };
  const reasons = [
    [{ p99_ms: 51 }, 'p99'], [{ p99_ms: 50 }, null], [{ stalled_ms: 601 }, 'stalls'], [{ stalled_ms: 600 }, null],
    [{ stalled_ms: 900, max_ms: 49 }, null], [{ p99_ms: undefined, max_ms: undefined }, null],
  ];

  for (const [change, reason] of reasons) {
    assert.strictEqual(lateness({ ...window, ...change }, 50), reason, JSON.stringify(change));
  }
});

test('loop tells of a window in which the loop came round late', async () => {
  const lines = await program(`
    const end = heapsleuth.on('loop', (event) => {
      console.log(JSON.stringify(event));
      end();
      clearInterval(busy);
    });
    const block = () => { const until = performance.now() + 120; while (performance.now() < until); };
    const busy = setInterval(block, 1);
  `, { env: { HEAPSLEUTH_LOOP_WINDOW_MS: '1000' } });
  const event = JSON.parse(lines[0]);

  assert.ok(event.p99_ms > 50 && event.max_ms >= 80, lines[0]);
  assert.strictEqual(event.reason, 'p99');
  assert.ok(event.stalls >= 1 && event.stalled_ms > 80, lines[0]);
  assert.ok(event.utilization > 0.5 && event.window_ms === 1000, lines[0]);
});

test('alert tells once that the heap has reached its share of the limit', async () => {
  const lines = await program(`
    heapsleuth.on('alert', (event) => console.log(JSON.stringify(event)));
    const keep = Array.from({ length: 900_000 }, (_, i) => ({ i }));
    // Out of the young generation, which is larger than this in newer versions.
    gc();
    gc();
    setTimeout(() => console.log(keep.length), 1000);
  `, { args: ['--expose-gc', '--max-old-space-size=64'], env: { HEAPSLEUTH_ALERT_SHARE: '0.2' } });
  const events = lines.slice(0, -1).map((line) => JSON.parse(line)).filter(({ kind }) => kind === 'heap');

  assert.strictEqual(events.length, 1, lines.join('\n'));
  const { share, threshold, used_bytes: used, limit_bytes: limit } = events[0];
  assert.ok(share >= 0.2 && share < 1 && Math.abs(share - used / limit) < 1e-9, lines[0]);
  assert.strictEqual(threshold, 0.2);
  // With limits as small as this one, versions add up to as much again.
  assert.ok(limit >= 60 * 2 ** 20 && limit <= 140 * 2 ** 20, lines[0]);
});

test('leak tells of a heap that grows, by samples', async () => {
  const lines = await program(`
    const keep = [];
    const growing = setInterval(() => keep.push(Array.from({ length: 30_000 }, (_, i) => ({ i }))), 50);
    heapsleuth.once('leak', (event) => { clearInterval(growing); console.log(JSON.stringify(event)); });
  `, { env: { HEAPSLEUTH_LEAK_GROWTH_BYTES: '200000', HEAPSLEUTH_LEAK_WINDOW: '5' } });
  const event = JSON.parse(lines[0]);

  assert.strictEqual(lines.length, 1);
  assert.ok(event.growth > 4 * 200_000);
  assert.match(event.reason, /^potential leak: heap used grew over 5 samples by /);
});

test('leak tells of what collections leave, whatever garbage there is', async () => {
  const lines = await program(`
    heapsleuth.once('leak', (event) => { console.log(JSON.stringify(event)); process.exit(); });
    const turn = () => new Promise((resolve) => setTimeout(resolve, 1));
    const keep = [];
    (async () => {
      for (let i = 0; i < 400; i += 1) {
        keep.push(Array.from({ length: 5000 }, (_, j) => ({ j })));
        gc();
        minutes += 1;
        await turn();
      }
    })();
  `, {
    args: ['--expose-gc', '-r', HURRIED_CLOCK],
    env: { HEAPSLEUTH_LEAK_GROWTH_BYTES: '1e12' },
  });
  const event = JSON.parse(lines[0]);

  assert.strictEqual(event.rule, 'floor');
  assert.ok(event.span_ms >= 3_600_000 && event.growth > 60 * 5000 * 10, lines[0]);
  assert.match(event.reason, /^potential leak: the heap that major collections leave grew steadily by /);
});

test('listeners that throw or reject hurt nobody, and are counted', async () => {
  const lines = await program(`
    heapsleuth.start();
    heapsleuth.on('stats', () => { throw new Error('sync'); });
    heapsleuth.on('stats', async () => { throw new Error('async'); });
    heapsleuth.once('stats', () => console.log('still told'));
    gc();
    const { current } = require(${INDEX}.replace('index.cjs', 'lib/state.cjs'));
    setTimeout(() => console.log(current().guard.errors), 300);
  `, { args: ['--expose-gc'] });

  assert.deepStrictEqual(lines, ['still told', '2']);
});

test('an event that does not exist and a listener that is none are said, not thrown', async () => {
  const source = `const heapsleuth = require(${INDEX}); heapsleuth.on('leek', () => {}); heapsleuth.on('leak', 1)();`;
  const { code, stderr } = await run(['-e', source], { env: environment({ NODE_OPTIONS: '' }) });

  assert.strictEqual(code, 0);
  assert.deepStrictEqual(stderr.trim().split('\n'), [
    'heapsleuth: on(leek): expected alert, gc, leak, loop, stats and a function',
    'heapsleuth: on(leak): expected alert, gc, leak, loop, stats and a function',
  ]);
});

test('listening keeps no process alive, and stop ends it all', async () => {
  const lines = await program(`
    for (const name of ['alert', 'gc', 'leak', 'loop', 'stats']) heapsleuth.on(name, () => console.log(name));
    console.log(heapsleuth.stop());
    gc();
  `, { args: ['--expose-gc'], env: { HEAPSLEUTH_GC_PAUSE_MS: '0', HEAPSLEUTH_ALERT_SHARE: '0.0001' } });
  const listening = await program(`
    for (const name of ['alert', 'gc', 'leak', 'loop', 'stats']) heapsleuth.on(name, () => {});
  `);

  assert.deepStrictEqual([lines, listening], [['true'], []]);
});
