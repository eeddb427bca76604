'use strict';

const assert = require('node:assert');
const http = require('node:http');
const { test } = require('node:test');

const { Deltas } = require('../lib/otlp/deltas.cjs');
const { encodeExport } = require('../lib/otlp/encode.cjs');
const { parsePairs, readSettings } = require('../lib/otlp/settings.cjs');
const { environment, eventually, run, start } = require('./processes.cjs');

const INDEX = JSON.stringify(require.resolve('../index.cjs'));
const INSTANCE = { id: 'web-1-7-0-x', host: 'web-1', pid: 7, node: '20.0.0' };

/** A receiver; `answer(number of the request)` gives its status and reply. `use(receiver)`. */
async function withReceiver(use, answer = () => [200, '{}']) {
  const requests = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => { body += chunk; });
    request.on('end', () => {
      requests.push({ url: request.url, headers: request.headers, body: JSON.parse(body) });
      const [status, reply] = answer(requests.length);
      response.writeHead(status, { 'content-type': 'application/json' }).end(reply);
    });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  try {
    await use({ url: `http://127.0.0.1:${server.address().port}`, requests });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Runs a program that has the package as `heapsleuth`; returns the lines it prints. */
async function program(text, env, args = []) {
  const clean = environment({ NODE_OPTIONS: '' });
  for (const name of Object.keys(clean)) if (name.startsWith('OTEL_')) delete clean[name];
  const source = `const heapsleuth = require(${INDEX});\n${text}`;
  const done = await run([...args, '-e', source], { env: { ...clean, ...env }, limitMs: 60_000 });
  assert.deepStrictEqual([done.code, done.stderr], [0, ''], done.stdout);
  return done.stdout.split('\n').filter(Boolean);
}

const scopeOf = ({ body }) => body.resourceMetrics[0].scopeMetrics[0];
const metricsOf = (request) => new Map(scopeOf(request).metrics.map((metric) => [metric.name, metric]));
const attributesOf = ({ attributes }) => Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
const pointsOf = (metric) => (metric.gauge ?? metric.sum ?? metric.histogram).dataPoints;

// Name → [instrument, unit, attribute]: tables d2 and d3.
const EXPECTED = {
  ...Object.fromEntries(['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map((name) => (
    [`nodejs.eventloop.delay.${name}`, ['gauge', 's']]
  ))),
  'nodejs.eventloop.utilization': ['gauge', '1'],
  'nodejs.eventloop.time': ['counter', 's', 'nodejs.eventloop.state'],
  'v8js.gc.duration': ['histogram', 's', 'v8js.gc.type'],
  'v8js.memory.heap.space.size': ['updown', 'By', 'v8js.heap.space.name'],
  'v8js.memory.heap.used': ['updown', 'By', 'v8js.heap.space.name'],
  'v8js.memory.heap.space.available_size': ['updown', 'By', 'v8js.heap.space.name'],
  'v8js.memory.heap.space.physical_size': ['updown', 'By', 'v8js.heap.space.name'],
  'v8js.resource.active': ['gauge', '{resource}', 'v8js.resource.type'],
  'process.cpu.time': ['counter', 's', 'cpu.mode'],
  'process.cpu.utilization': ['gauge', '1', 'cpu.mode'],
  'process.memory.usage': ['updown', 'By'],
  'process.context_switches': ['counter', '{context_switch}', 'process.context_switch.type'],
  'process.paging.faults': ['counter', '{fault}', 'system.paging.fault.type'],
  'process.uptime': ['gauge', 's'],
  'heapsleuth.heap_limit': ['gauge', 'By'],
};

/** `gauge`, `counter`, `updown` or `histogram`. */
function instrumentOf(metric) {
  if (metric.gauge) return 'gauge';
  if (metric.histogram) return 'histogram';
  return metric.sum.isMonotonic ? 'counter' : 'updown';
}

test('names, instruments, units and attributes are those of the semantic conventions', async () => {
  await withReceiver(async ({ url, requests }) => {
    await program(`
      const otlp = heapsleuth.exportOtlp();
      gc();
      // Fewer than five delays of the loop say nothing, and are not exported.
      const delays = require('node:perf_hooks').monitorEventLoopDelay({ resolution: 10 });
      delays.enable();
      const waiting = setInterval(async () => {
        if (delays.count < 20) return;
        const taken = otlp.flush();
        clearInterval(waiting);
        console.log(await taken);
      }, 50);
    `, { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SERVICE_NAME: 'shop', OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20b' }, ['--expose-gc']);

    assert.strictEqual(requests.length, 1);
    assert.deepStrictEqual([requests[0].url, requests[0].headers['x-key']], ['/v1/metrics', 'a b']);
    const metrics = metricsOf(requests[0]);
    for (const [name, [instrument, unit, attribute]] of Object.entries(EXPECTED)) {
      const metric = metrics.get(name);
      assert.ok(metric, `${name} is missing`);
      assert.deepStrictEqual([instrumentOf(metric), metric.unit], [instrument, unit], name);
      for (const point of pointsOf(metric)) {
        assert.deepStrictEqual(Object.keys(attributesOf(point)), attribute ? [attribute] : [], name);
      }
    }
    const resource = attributesOf(requests[0].body.resourceMetrics[0].resource);
    assert.strictEqual(resource['service.name'], 'shop');
    assert.strictEqual(resource['process.runtime.name'], 'nodejs');
    assert.strictEqual(scopeOf(requests[0]).scope.name, 'heapsleuth');
    const types = pointsOf(metrics.get('v8js.gc.duration')).map((point) => attributesOf(point)['v8js.gc.type']);
    assert.ok(types.includes('major'));
    const old = pointsOf(metrics.get('v8js.memory.heap.used')).find((point) => attributesOf(point)['v8js.heap.space.name'] === 'old_space');
    assert.ok(Number(old.asInt) > 1e6);
  });
});

test('an export by default is of totals, which never fall and keep their start', async () => {
  await withReceiver(async ({ url, requests }) => {
    await program(`
      const otlp = heapsleuth.exportOtlp({ endpoint: ${JSON.stringify(url)} });
      (async () => { gc(); await new Promise((resolve) => setTimeout(resolve, 50)); await otlp.flush(); gc();
        await new Promise((resolve) => setTimeout(resolve, 50)); await otlp.flush(); })();
    `, {}, ['--expose-gc']);
    const [first, second] = requests.map(metricsOf);
    const major = (metrics) => pointsOf(metrics.get('v8js.gc.duration')).find((point) => attributesOf(point)['v8js.gc.type'] === 'major');

    assert.strictEqual(first.get('v8js.gc.duration').histogram.aggregationTemporality, 2);
    assert.strictEqual(first.get('process.cpu.time').sum.aggregationTemporality, 2);
    assert.ok(Number(major(second).count) > Number(major(first).count));
    assert.strictEqual(major(second).startTimeUnixNano, major(first).startTimeUnixNano);
    assert.ok(BigInt(major(second).timeUnixNano) > BigInt(major(first).timeUnixNano));
    assert.strictEqual(major(first).bucketCounts.length, major(first).explicitBounds.length + 1);
    assert.ok(major(second).min <= major(second).max && major(second).min > 0);
    const user = (metrics) => pointsOf(metrics.get('process.cpu.time')).find((point) => attributesOf(point)['cpu.mode'] === 'user');
    assert.ok(Number(user(second).asDouble) >= Number(user(first).asDouble));
  });
});

test('a delta that was not taken comes with the next one', () => {
  const deltas = new Deltas('delta', 1000);
  const reading = (value, counts) => [
    { kind: 'counter', name: 'c', points: [{ attributes: { a: 'x' }, value }] },
    { kind: 'updown', name: 'u', points: [{ value }] },
    { kind: 'histogram', name: 'h', points: [{ counts, sum: value, min: 1, max: 2, bounds: [1] }] },
  ];
  const first = deltas.prepare(reading(5, [1, 0]), 2000);
  first.commit();
  const lost = deltas.prepare(reading(7, [1, 1]), 3000);
  const next = deltas.prepare(reading(9, [2, 3]), 4000);
  next.commit();
  const last = deltas.prepare(reading(9, [2, 3]), 5000);
  const values = ({ metrics }) => metrics.map(({ points: [{ value, counts }] }) => value ?? counts);

  assert.deepStrictEqual([values(first), values(lost), values(next), values(last)], [
    [5, 5, [1, 0]], [2, 7, [0, 1]], [4, 9, [1, 3]], [0, 9, [0, 0]],
  ]);
  assert.deepStrictEqual(next.metrics.map(({ isDelta }) => isDelta), [true, false, true]);
  assert.deepStrictEqual(next.metrics[0].times, { startMs: 2000, atMs: 4000 });
  assert.deepStrictEqual(last.metrics[2].times, { startMs: 4000, atMs: 5000 });
  assert.deepStrictEqual(next.metrics[1].times, { startMs: 1000, atMs: 4000 });
});

test('a receiver that fails gets the whole sum with the export it takes', async () => {
  await withReceiver(async ({ url, requests }) => {
    const lines = await program(`
      heapsleuth.start();
      const otlp = heapsleuth.exportOtlp({ temporality: 'delta' });
      const turn = () => new Promise((resolve) => setTimeout(resolve, 50));
      (async () => {
        for (let i = 0; i < 3; i += 1) { gc(); await turn(); console.log(await otlp.flush()); }
        const { current } = require(${INDEX}.replace('index.cjs', 'lib/state.cjs'));
        console.log(current().guard.errors, current().guard.lastError);
      })();
    `, { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${url}/own/path` }, ['--expose-gc']);
    const majors = requests.map((request) => {
      const point = pointsOf(metricsOf(request).get('v8js.gc.duration')).find((one) => attributesOf(one)['v8js.gc.type'] === 'major');
      return Number(point.count);
    });

    assert.deepStrictEqual(lines, ['true', 'false', 'true', '1 the OTLP endpoint answered 503']);
    assert.strictEqual(requests[0].url, '/own/path');
    assert.ok(majors[2] > majors[1], majors.join());
  }, (number) => [number === 2 ? 503 : 200, '{}']);
});

test('64-bit integers are text, and a gauge has no start', () => {
  const times = { startMs: 1, atMs: 1767225600000 };
  const body = encodeExport({
    resource: { a: 1, b: 1.5, c: true, d: 'x' },
    scope: { name: 's' },
    metrics: [
      { name: 'g', unit: '1', description: '', kind: 'gauge', points: [{ value: 2 ** 40 }], times },
      { name: 'u', unit: '1', description: '', kind: 'updown', points: [{ value: 0.5 }], times },
      { name: 'h', unit: 's', description: '', kind: 'histogram', points: [{ counts: [0, 0], bounds: [1], sum: 0, min: Infinity, max: 0 }], times },
    ],
  });
  const [gauge, updown, histogram] = body.resourceMetrics[0].scopeMetrics[0].metrics;

  assert.deepStrictEqual(body.resourceMetrics[0].resource.attributes.map(({ value }) => value), [
    { intValue: '1' }, { doubleValue: 1.5 }, { boolValue: true }, { stringValue: 'x' },
  ]);
  assert.deepStrictEqual(gauge.gauge.dataPoints, [{ attributes: [], timeUnixNano: '1767225600000000000', asInt: '1099511627776' }]);
  assert.deepStrictEqual(updown.sum, {
    dataPoints: [{ attributes: [], startTimeUnixNano: '1000000', timeUnixNano: '1767225600000000000', asDouble: 0.5 }],
    aggregationTemporality: 2,
    isMonotonic: false,
  });
  assert.deepStrictEqual(histogram.histogram.dataPoints[0].bucketCounts, ['0', '0']);
  assert.ok(!('min' in histogram.histogram.dataPoints[0]));
});

test('settings come from options first, then the variables for metrics, then those for all', () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://one:4318/base/',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=2',
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'b=3',
    OTEL_METRIC_EXPORT_INTERVAL: '5000',
    OTEL_EXPORTER_OTLP_TIMEOUT: 'soon',
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'DELTA',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=fallback,deployment.environment.name=prod%2C%20eu',
  };
  const settings = readSettings(env, INSTANCE, { service: 'script', headers: { c: '4' } });

  assert.strictEqual(settings.url, 'http://one:4318/base/v1/metrics');
  assert.deepStrictEqual(settings.headers, { a: '1', b: '3', c: '4' });
  assert.deepStrictEqual([settings.intervalMs, settings.timeoutMs, settings.temporality], [5000, 10_000, 'delta']);
  assert.strictEqual(settings.resource['service.name'], 'fallback');
  assert.strictEqual(settings.resource['deployment.environment.name'], 'prod, eu');
  assert.strictEqual(readSettings({}, INSTANCE).url, 'http://localhost:4318/v1/metrics');
  assert.strictEqual(readSettings({}, INSTANCE, { endpoint: 'https://x/v1/metrics' }).url, 'https://x/v1/metrics');
  assert.throws(() => readSettings({}, INSTANCE, { endpoint: 'ftp://x' }), /no endpoint/);
  assert.deepStrictEqual(parsePairs('a=1,,=2,b,c=%zz,d=e=f'), { a: '1', d: 'e=f' });
});

test('a start with the option exports by interval', async () => {
  await withReceiver(async ({ url, requests }) => {
    const env = environment({ HEAPSLEUTH_OTLP: url, OTEL_METRIC_EXPORT_INTERVAL: '100' });
    const { child, done } = start(['-e', 'setInterval(() => {}, 1000)'], { env, limitMs: 60_000 });
    await eventually(() => requests.length >= 2, 'two exports', 30_000);
    child.kill('SIGKILL');
    await done;

    assert.strictEqual(requests[0].url, '/v1/metrics');
  });
});

test('exporting keeps no process alive', async () => {
  await withReceiver(async ({ url }) => {
    const lines = await program("heapsleuth.start(); console.log('done');", { HEAPSLEUTH_OTLP: url, OTEL_METRIC_EXPORT_INTERVAL: '100' });

    assert.deepStrictEqual(lines, ['done']);
  });
});

test('an endpoint that is none is said, and one that nobody listens at is counted', async () => {
  const source = `
    const heapsleuth = require(${INDEX});
    heapsleuth.exportOtlp({ endpoint: 'nonsense' }).flush().then(async (taken) => {
      heapsleuth.stop();
      console.log(taken, await heapsleuth.exportOtlp({ endpoint: 'http://127.0.0.1:1' }).flush());
    });
  `;
  const { code, stdout, stderr } = await run(['-e', source], { env: environment({ NODE_OPTIONS: '' }) });

  assert.deepStrictEqual([code, stdout], [0, 'false false\n']);
  assert.match(stderr, /^heapsleuth: no export to OpenTelemetry: Invalid URL/);
});
