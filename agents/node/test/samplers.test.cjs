'use strict';

const assert = require('node:assert');
const http = require('node:http');
const { PerformanceObserver, constants } = require('node:perf_hooks');
const { test } = require('node:test');
const v8 = require('node:v8');

const { collectGarbage } = require('../lib/inspector.cjs');
const { Guard } = require('../lib/errors.cjs');
const { SAMPLERS, closeSamplers, openSamplers, readSamplers } = require('../lib/samplers/index.cjs');
const { CONTAINER_V2, fakeRoot } = require('./fake-root.cjs');
const { attempts, environment, eventually, run, start } = require('./processes.cjs');

const byName = (name) => SAMPLERS.find((sampler) => sampler.name === name);

/** Opens one sampler for the length of `use`, which gets a function that reads it. */
async function withSampler(name, use, context = {}) {
  const readers = openSamplers({ guard: new Guard(), ownBytes: () => 0, ...context }, [byName(name)]);
  try {
    return await use((options = {}) => readSamplers(readers, { reset: true, ...options }));
  } finally {
    closeSamplers(readers);
  }
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

function block(ms) {
  for (const end = performance.now() + ms; performance.now() < end;);
}

test('together they measure everything that the protocol names, in finite numbers', async (t) => {
  const root = fakeRoot(t, CONTAINER_V2);
  const guard = new Guard();
  const readers = openSamplers({ guard, ownBytes: () => 7, root, options: { promises: true } });
  const server = http.createServer((_request, response) => response.end('x')).listen(0, '127.0.0.1');
  await new Promise((resolve) => { server.on('listening', resolve); });
  await fetch(`http://127.0.0.1:${server.address().port}`).then((reply) => reply.text());
  server.close();
  server.closeAllConnections();
  await collectGarbage();
  await pause(60);
  const { http: byRoute, ...sample } = readSamplers(readers, { reset: true, guard });
  closeSamplers(readers);

  assert.strictEqual(guard.lastError, null);
  assert.deepStrictEqual(byRoute.map(({ route, count }) => [route, count]), [['', 1], ['GET /', 1]]);
  const names = ['at_ms', ...SAMPLERS.flatMap((sampler) => sampler.metrics)];
  const measured = Object.keys(sample).filter((name) => !name.startsWith('heap_space_'));
  assert.deepStrictEqual(measured.sort(), names.sort());
  assert.ok(sample.heap_space_old_used_bytes > 0);
  for (const [name, value] of Object.entries(sample)) assert.ok(Number.isFinite(value) && value >= 0, `${name} ${value}`);
  assert.strictEqual(sample.requests_total, 1);
});

test('the floor after a major collection is what was left, not what was allocated since', async () => {
  await attempts(() => withSampler('gc', async (read) => {
    await collectGarbage();
    const left = v8.getHeapStatistics().used_heap_size;
    const since = Array.from({ length: 20_000 }, (_, i) => ({ i }));
    await eventually(() => 'floor_bytes' in read({ reset: false }), 'a floor');
    const floor = read().floor_bytes;

    assert.ok(Math.abs(floor - left) < 300_000, `floor ${floor}, left ${left}`);
    assert.ok(v8.getHeapStatistics().used_heap_size - floor > 500_000);
    assert.strictEqual(since.length, 20_000);
  }));
});

test('onMajor is told of each floor', async () => {
  const floors = [];
  await withSampler('gc', async () => {
    await collectGarbage();
    await eventually(() => floors.length > 0, 'a floor');
  }, { onMajor: (floor) => floors.push(floor) });

  assert.ok(floors.every((floor) => floor > 1e6));
});

test('several collections within one turn of the loop are all counted', async () => {
  v8.setFlagsFromString('--expose-gc');
  const gc = require('node:vm').runInNewContext('gc');
  await withSampler('gc', async (read) => {
    const before = read();
    for (let i = 0; i < 5; i += 1) gc();
    await eventually(() => read({ reset: false }).gc_major_count >= before.gc_major_count + 5, 'five collections');
    const sample = read();

    assert.ok(sample.gc_pause_ms_max > 0);
    assert.ok(sample.gc_pause_ms_total >= sample.gc_pause_ms_max);
    assert.strictEqual(read().gc_pause_ms_max, 0);
    assert.strictEqual(read().gc_count, sample.gc_count);
  });
});

test('where collections are many a part is watched: majors are counted one by one, the others about', async () => {
  v8.setFlagsFromString('--expose-gc');
  const gc = require('node:vm').runInNewContext('gc');
  const work = async (ms) => {
    let kept = [];
    for (const end = performance.now() + ms; performance.now() < end;) {
      kept = Array.from({ length: 20_000 }, (_, i) => ({ i, list: [i] }));
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    return kept;
  };
  // How steady collections come is up to the machine.
  await attempts(() => withSampler('gc', async (read) => {
    const seen = { all: 0, major: 0 };
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        seen.all += 1;
        if (entry.detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) seen.major += 1;
      }
    });
    observer.observe({ entryTypes: ['gc'] });
    for (let i = 0; i < 4; i += 1) {
      await work(400);
      gc();
    }
    await pause(400);
    observer.disconnect();
    const { gc_count: count, gc_major_count: major, gc_minor_count: minor } = read();

    assert.ok(seen.major >= 4);
    // Two that come within one turn of the loop, both unwatched, are one.
    assert.ok(major <= seen.major && major >= seen.major / 2, `${major} for ${seen.major}`);
    assert.ok(count > seen.all / 3 && count < seen.all * 3, `${count} for ${seen.all}`);
    assert.ok(minor <= count && minor > 0);
  }, { watchedPerWindow: 3, alwaysAboveBytes: Infinity }));
});

test('loop delay is zero-based and shows a blocked loop; utilization is of the interval', async () => {
  // On a busy machine even an idle loop comes late.
  await attempts(() => withSampler('loop', async (read) => {
    await pause(300);
    const idle = read();
    assert.ok(idle.loop_delay_p50_ms < 10, `idle p50 ${idle.loop_delay_p50_ms}`);
    assert.ok(idle.loop_utilization < 0.5);

    await pause(30);
    block(200);
    await pause(30);
    const busy = read();
    assert.ok(busy.loop_delay_max_ms > 120, `blocked max ${busy.loop_delay_max_ms}`);
    assert.ok(busy.loop_utilization > 0.5);

    await pause(100);
    assert.ok(read().loop_utilization < 0.5, 'the interval began anew');
  }));
});

test('requests are counted and timed, also those of a frozen response', async () => {
  const server = http.createServer((_request, response) => {
    setTimeout(() => response.end('x'), 30);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => { server.on('listening', resolve); });
  await withSampler('requests', async (read) => {
    const get = () => fetch(`http://127.0.0.1:${server.address().port}`).then((reply) => reply.text());
    const begun = performance.now();
    await Promise.all([get(), get(), get()]);
    const ms = performance.now() - begun;
    const sample = read();
    assert.strictEqual(sample.requests_total, 3);
    assert.ok(sample.request_ms_p50 >= 28 && sample.request_ms_p50 <= ms * 1.04, `${sample.request_ms_p50}`);
    assert.ok(sample.request_ms_p99 >= sample.request_ms_p50);

    const channels = require('node:diagnostics_channel');
    const message = { response: Object.freeze({}) };
    channels.channel('http.server.request.start').publish(message);
    channels.channel('http.server.response.finish').publish(message);
    const next = read();
    assert.strictEqual(next.requests_total, 4);
    assert.ok(!('request_ms_p50' in next));
  });
  server.close();
  server.closeAllConnections();
});

test('handles counts what keeps the loop alive', async () => {
  const timers = Array.from({ length: 10_000 }, () => setTimeout(() => {}, 60_000));
  await withSampler('handles', async (read) => {
    assert.ok(read().handles >= 10_000);
    timers.forEach(clearTimeout);
    assert.ok(read().handles >= 10_000, 'not listed again within 10 s');
  });
});

test('the process is measured as Node measures it', async () => {
  await withSampler('process', async (read) => {
    const before = process.cpuUsage();
    const sample = read();
    assert.ok(sample.cpu_user_ms >= before.user / 1000 - 0.001);
    assert.ok(Math.abs(sample.rss_bytes / process.memoryUsage.rss() - 1) < 0.2);
  });
});

test('a sampler that fails is counted and leaves the others alone', () => {
  const guard = new Guard();
  const bad = { name: 'bad', metrics: [], open: () => ({ read() { throw new Error('no'); }, close() { throw new Error('no'); } }) };
  const worse = { name: 'worse', metrics: [], open() { throw new Error('never'); } };
  const readers = openSamplers({ guard }, [bad, worse, byName('heap')]);
  const sample = readSamplers(readers, { reset: true, guard });
  closeSamplers(readers);

  assert.ok(sample.heap_used_bytes > 0);
  assert.strictEqual(guard.errors, 2);
  assert.strictEqual(guard.lastError, 'no');
});

test('the agent never forces a collection by itself', async () => {
  const { withCollector } = require('./collector.cjs');
  await withCollector(async (collector) => {
    const env = environment({ HEAPSLEUTH_COLLECTOR: collector.url, HEAPSLEUTH_SNAPSHOT_THRESHOLD: '0.85' });
    const { child, done, output } = start(['--trace-gc', 'stays.cjs'], { env });
    await collector.until(() => collector.samples.length >= 8, 'samples');
    // V8 says why it collects; what it does for reasons of its own is its own affair.
    const forced = () => output().match(/(testing|heap profiler|low memory notification|last resort)/g) ?? [];
    assert.deepStrictEqual(forced(), []);
    collector.command({ id: 'a', type: 'gc' });
    await eventually(() => forced().length > 0, 'the trace of a collection that was asked for');
    child.kill();
    await done;
  });
});
