'use strict';

const assert = require('node:assert');
const http = require('node:http');
const { test } = require('node:test');

const { activeCounts } = require('../lib/metrics/active.cjs');
const { GC_BOUNDS_S } = require('../lib/metrics/prom-client.cjs');
const { ownFamilies } = require('../lib/metrics/own.cjs');
const { histogramSamples, render } = require('../lib/metrics/text.cjs');
const { environment, run } = require('./processes.cjs');

const INDEX = JSON.stringify(require.resolve('../index.cjs'));

/** Runs a program that has the package as `heapsleuth`; returns what it prints as JSON. */
async function program(text, { env = {}, args = [] } = {}) {
  const source = `const heapsleuth = require(${INDEX});\n${text}`;
  const done = await run([...args, '-e', source], { env: environment({ NODE_OPTIONS: '', ...env }), limitMs: 60_000 });
  assert.deepStrictEqual([done.code, done.stderr], [0, ''], done.stdout);
  return JSON.parse(done.stdout);
}

/** Sample (name with labels, as written) → value of a page. */
function samplesOf(page) {
  const lines = page.split('\n').filter((line) => line && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

test('a page has help, type and samples, with everything escaped that has to be', () => {
  const page = render([
    { name: 'a_bytes', type: 'gauge', help: 'One \\ of\ntwo.', samples: [{ value: 1.5 }, { labels: { x: '"\\\n' }, value: Infinity }] },
    { name: 'empty', type: 'gauge', help: 'None.', samples: [] },
  ], { app: 'shop', 'not-a-name': 1 });

  assert.strictEqual(page, [
    '# HELP a_bytes One \\\\ of\\ntwo.',
    '# TYPE a_bytes gauge',
    'a_bytes{app="shop"} 1.5',
    'a_bytes{app="shop",x="\\"\\\\\\n"} +Inf',
    '# HELP empty None.',
    '# TYPE empty gauge',
    '',
  ].join('\n'));
});

test('a histogram\'s buckets are cumulative and end with all', () => {
  const samples = histogramSamples({ bounds: [1, 2], counts: [3, 0, 4], sum: 17.5, labels: { kind: 'major' } });

  assert.deepStrictEqual(samples.map(({ suffix, labels, value }) => [suffix, labels.le, value]), [
    ['_bucket', '1', 3], ['_bucket', '2', 3], ['_bucket', '+Inf', 7], ['_sum', undefined, 17.5], ['_count', undefined, 7],
  ]);
});

test('our metrics are the fields of a sample, in base units, and those it has not are left out', () => {
  const families = ownFamilies({ heap_limit_bytes: 64e6, loop_stalled_ms_total: 1500, loop_stalls_total: 3, other: 1 });

  assert.deepStrictEqual(families.map(({ name, type, samples }) => [name, type, samples[0].value]), [
    ['heapsleuth_heap_limit_bytes', 'gauge', 64e6],
    ['heapsleuth_eventloop_stalls_total', 'counter', 3],
    ['heapsleuth_eventloop_stalled_seconds_total', 'counter', 1.5],
  ]);
});

test('a list of many handles is not made again at once', (context) => {
  let listed = 0;
  context.mock.method(process, 'getActiveResourcesInfo', () => {
    listed += 1;
    const until = performance.now() + 50;
    while (performance.now() < until);
    return ['Timeout', 'Timeout', 'TCPSocketWrap'];
  });
  const read = activeCounts();

  assert.deepStrictEqual([...read('resources')], [['Timeout', 2], ['TCPSocketWrap', 1]]);
  read('resources');
  assert.strictEqual(listed, 1);
});

test('every collection is counted, also those that share one call of the observer', async () => {
  const { page, seen } = await program(`
    (async () => {
      await heapsleuth.prometheus();
      const seen = { major: 0, minor: 0 };
      new (require('node:perf_hooks').PerformanceObserver)((list) => {
        for (const { detail } of list.getEntries()) seen[detail.kind === 4 ? 'major' : detail.kind === 1 ? 'minor' : 'rest'] += 1;
      }).observe({ entryTypes: ['gc'] });
      for (let i = 0; i < 5; i += 1) { gc(); gc({ type: 'minor' }); }
      while (seen.major < 5 || seen.minor < 5) await new Promise((resolve) => setTimeout(resolve, 50));
      console.log(JSON.stringify({ seen, page: await heapsleuth.prometheus() }));
    })();
  `, { args: ['--expose-gc'] });
  const samples = samplesOf(page);

  assert.ok(seen.major >= 5 && seen.minor >= 5);
  for (const kind of ['major', 'minor']) {
    const count = samples.get(`nodejs_gc_duration_seconds_count{kind="${kind}"}`);
    // A collection after the last look of either is possible.
    assert.ok(count >= seen[kind] && count <= seen[kind] + 2, `${kind}: ${count} of ${seen[kind]}`);
    assert.strictEqual(samples.get(`nodejs_gc_duration_seconds_bucket{kind="${kind}",le="+Inf"}`), count);
    assert.ok(samples.get(`nodejs_gc_duration_seconds_sum{kind="${kind}"}`) > 0);
  }
  assert.deepStrictEqual(GC_BOUNDS_S, [0.001, 0.01, 0.1, 1, 2, 5]);
});

test('values are those of the process', async () => {
  const { page, memory, limit, version } = await program(`
    const keep = Buffer.alloc(20e6);
    (async () => {
      await heapsleuth.prometheus({ labels: { app: 'shop' } });
      const delays = require('node:perf_hooks').monitorEventLoopDelay({ resolution: 10 });
      delays.enable();
      while (delays.count < 20) await new Promise((resolve) => setTimeout(resolve, 50));
      setTimeout(() => {}, 60_000);
      const page = await heapsleuth.prometheus({ prefix: 'app_' });
      const limit = require('node:v8').getHeapStatistics().heap_size_limit;
      console.log(JSON.stringify({ page, memory: process.memoryUsage(), limit, version: process.version, keep: keep.length }));
      process.exit();
    })();
  `);
  const samples = samplesOf(page);
  const near = (name, value, by) => {
    const got = samples.get(name);
    assert.ok(Math.abs(got - value) <= by * value, `${name}: ${got}, not ${value}`);
  };

  near('app_nodejs_heap_size_used_bytes', memory.heapUsed, 0.2);
  near('app_nodejs_external_memory_bytes', memory.external, 0.1);
  near('app_process_resident_memory_bytes', memory.rss, 0.2);
  near('heapsleuth_array_buffers_bytes', memory.arrayBuffers, 0.1);
  assert.strictEqual(samples.get('heapsleuth_heap_limit_bytes'), limit);
  assert.ok(page.includes(`app_nodejs_version_info{version="${version}",major="${Number.parseInt(version.slice(1), 10)}",`));
  assert.ok(samples.get('app_nodejs_active_resources{type="Timeout"}') >= 1);
  assert.ok(samples.get('app_nodejs_active_resources_total') >= samples.get('app_nodejs_active_resources{type="Timeout"}'));
  const spaces = [...samples].filter(([name]) => name.startsWith('app_nodejs_heap_space_size_used_bytes{'));
  assert.ok(spaces.some(([name]) => name.includes('space="old"')) && !page.includes('_space"'));
  near('app_nodejs_heap_size_used_bytes', spaces.reduce((sum, [, value]) => sum + value, 0), 0.2);
  // A timer of 10 ms that is on time is 10 ms late by this definition.
  assert.ok(samples.get('app_nodejs_eventloop_lag_p50_seconds') >= 0.009);
  assert.ok(samples.get('heapsleuth_eventloop_idle_seconds_total') > 0);
});

test('requests are counted by route and class of status, in buckets that hold them', async () => {
  const page = await program(`
    const http = require('node:http');
    const metrics = heapsleuth.metricsHandler({ defaultMetrics: false });
    const server = http.createServer((request, response) => {
      if (request.url === '/metrics') return void metrics(request, response);
      setTimeout(() => response.writeHead(request.url === '/missing' ? 404 : 200).end('ok'), 20);
    }).listen(0, '127.0.0.1', async () => {
      const get = async (path) => (await fetch('http://127.0.0.1:' + server.address().port + path)).text();
      for (let i = 0; i < 5; i += 1) await get('/orders');
      await get('/missing');
      console.log(JSON.stringify(await get('/metrics')));
      process.exit();
    });
  `);
  const samples = samplesOf(page);
  const named = (name) => [...samples].filter(([key]) => key.startsWith(name));
  const total = (list) => list.reduce((sum, [, value]) => sum + value, 0);
  const bucket = (le) => total(named('heapsleuth_http_request_duration_seconds_bucket').filter(([key]) => key.includes(`le="${le}"`)));

  assert.ok(!page.includes('nodejs_heap'), 'defaultMetrics: false');
  assert.strictEqual(total(named('heapsleuth_http_request_duration_seconds_count')), 6);
  assert.deepStrictEqual([bucket('0.016'), bucket('16.384'), bucket('+Inf')], [0, 6, 6]);
  assert.ok(total(named('heapsleuth_http_request_duration_seconds_sum')) >= 6 * 0.0195);
  const byStatus = (status) => total(named('heapsleuth_http_requests_total').filter(([key]) => key.includes(`status="${status}"`)));
  assert.deepStrictEqual([byStatus('2xx'), byStatus('4xx')], [5, 1]);
});

test('the handler answers GET and HEAD, refuses the rest, and a failure stays its own', async () => {
  const { metricsHandler } = require('../lib/metrics/handler.cjs');
  const pages = { '/metrics': async () => 'a 1\n', '/broken': async () => { throw new Error('no'); } };
  const server = http.createServer((request, response) => metricsHandler(pages[request.url])(request, response));
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const get = async (path, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${server.address().port}${path}`, { method });
    return [response.status, response.headers.get('content-type'), await response.text()];
  };
  try {
    assert.deepStrictEqual(await get('/metrics'), [200, 'text/plain; version=0.0.4; charset=utf-8', 'a 1\n']);
    assert.deepStrictEqual(await get('/metrics', 'HEAD'), [200, 'text/plain; version=0.0.4; charset=utf-8', '']);
    assert.strictEqual((await get('/metrics', 'POST'))[0], 405);
    assert.deepStrictEqual(await get('/broken'), [500, 'text/plain', 'heapsleuth: no\n']);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('with a running agent its samples are used, and stop ends what was begun', async () => {
  const { page, before, after } = await program(`
    const has = () => require('node:diagnostics_channel').channel('http.server.request.start').hasSubscribers;
    (async () => {
      heapsleuth.start();
      const page = await heapsleuth.prometheus();
      const before = has();
      heapsleuth.stop();
      console.log(JSON.stringify({ page, before, after: has() }));
    })();
  `);

  assert.deepStrictEqual([before, after], [true, false]);
  assert.ok(samplesOf(page).has('heapsleuth_agent_memory_bytes'));
});

test('exporting keeps no process alive', async () => {
  const page = await program('heapsleuth.metricsHandler(); heapsleuth.prometheus().then((page) => console.log(JSON.stringify(page)));');

  assert.ok(page.includes('nodejs_version_info'));
});
