'use strict';

const assert = require('node:assert');
const net = require('node:net');
const { test } = require('node:test');

const { Transport, backoffMs } = require('../lib/transport.cjs');
const { Guard } = require('../lib/errors.cjs');
const { Queue } = require('../lib/queue.cjs');
const { readOptions } = require('../lib/options.cjs');
const { withCollector } = require('./collector.cjs');
const { environment, eventually, run, start } = require('./processes.cjs');

function transportTo(url, { token = 'secret' } = {}) {
  const parts = {
    options: readOptions({}, { collector: url, token, service: 'shop' }),
    instance: { id: 'host-1-0-abc', pid: 1 },
    guard: new Guard(),
    queue: new Queue(),
    counters: () => ({ errors: 0 }),
    replies: [],
  };
  parts.onReply = (reply) => parts.replies.push(reply);
  return { ...parts, transport: new Transport(parts) };
}

test('messages go out one at a time, numbered, over a connection that is kept', async () => {
  await withCollector(async (collector) => {
    const { transport, queue } = transportTo(collector.url);
    for (let i = 0; i < 200; i += 1) {
      queue.addSample({ at_ms: i });
      transport.flush();
    }
    await collector.until(() => collector.samples.length === 200, 'all samples');
    transport.stop();

    assert.strictEqual(collector.maxInFlight, 1);
    const ports = collector.requests.filter((request) => request.method === 'POST').map((request) => request.port);
    assert.ok(new Set(ports).size <= 2, `${ports.length} messages, ports ${ports}`);
    assert.deepStrictEqual(
      collector.messages.map((message) => message.sequence),
      collector.messages.map((_message, i) => i + 1),
    );
    assert.ok(collector.messages.every((message) => message.samples.length <= 60));
    assert.deepStrictEqual(collector.samples.map((sample) => sample.at_ms), Array.from({ length: 200 }, (_, i) => i));
  });
});

test('the token goes into every request', async () => {
  await withCollector(async (collector) => {
    const { transport, queue } = transportTo(collector.url);
    queue.addSample({ at_ms: 1 });
    transport.flush();
    await eventually(() => collector.requests.length >= 2, 'message and poll');
    transport.stop();

    assert.deepStrictEqual(collector.requests.map((request) => request.headers.authorization), Array(2).fill('Bearer secret'));
    assert.strictEqual(collector.requests[1].url, '/v1/agents/host-1-0-abc/commands?wait=25');
  });
});

test('a message that was not taken comes again unchanged, after a pause', async () => {
  let failures = 2;
  const fail = (request, response) => {
    if (request.method !== 'POST' || failures-- <= 0) return false;
    response.statusCode = 503;
    response.end();
    return true;
  };
  await withCollector(async (collector) => {
    const { transport, queue, guard } = transportTo(collector.url);
    queue.addSample({ at_ms: 1 });
    transport.flush();
    queue.addSample({ at_ms: 2 });
    const begun = Date.now();
    await collector.until(() => collector.samples.length === 2, 'both samples');
    transport.stop();

    const bodies = collector.requests.filter((request) => request.method === 'POST').map((request) => request.body);
    assert.strictEqual(bodies.length, 4);
    assert.deepStrictEqual([bodies[1], bodies[2]], [bodies[0], bodies[0]]);
    assert.ok(Date.now() - begun >= 1500, 'backs off');
    assert.strictEqual(guard.errors, 2);
  }, fail);
});

test('a message that the collector calls bad is dropped and counted', async () => {
  let refused = false;
  const refuse = (request, response) => {
    if (request.method !== 'POST' || refused) return false;
    refused = true;
    response.statusCode = 400;
    response.end();
    return true;
  };
  await withCollector(async (collector) => {
    const { transport, queue } = transportTo(collector.url);
    queue.addSample({ at_ms: 1 });
    transport.flush();
    await eventually(() => queue.dropped === 1, 'dropped');
    queue.addSample({ at_ms: 2 });
    await collector.until(() => collector.samples.length === 1, 'the next sample');
    transport.stop();

    assert.strictEqual(collector.samples[0].at_ms, 2);
  }, refuse);
});

test('the pause doubles up to a minute and is spread', () => {
  assert.deepStrictEqual([1, 2, 3, 7, 50].map((failures) => backoffMs(failures, 1)), [1000, 2000, 4000, 60_000, 60_000]);
  assert.strictEqual(backoffMs(1, 0), 500);
});

test('a collector that answers a poll at once is not asked in a circle', async () => {
  const impatient = (request, response) => {
    if (request.method !== 'GET') return false;
    response.end('{"commands":[]}');
    return true;
  };
  await withCollector(async (collector) => {
    const { transport, queue } = transportTo(collector.url);
    queue.addSample({ at_ms: 1 });
    transport.flush();
    const polls = () => collector.requests.filter((request) => request.method === 'GET').length;
    await eventually(() => polls() > 0, 'a poll');
    const begun = performance.now();
    await new Promise((resolve) => { setTimeout(resolve, 1000); });
    transport.stop();

    const pauses = (performance.now() - begun) / 500;
    assert.ok(polls() <= 1 + pauses, `${polls()} polls`);
  }, impatient);
});

const LIES = {
  'no JSON': (_request, response) => response.end('<html>'),
  'no object': (_request, response) => response.end('[1]'),
  'wrong types': (_request, response) => response.end(
    '{"commands":{"id":1},"interval_ms":"never","__proto__":{"x":1}}',
  ),
  'commands of nonsense': (_request, response) => response.end(JSON.stringify({
    interval_ms: -1,
    commands: [null, 7, [], {}, { id: {} }, { id: 'a', type: null }, { id: 'b', type: 'toString' },
      { id: 'c', type: '__proto__' }, { id: 'd', type: 'set-interval', interval_ms: 'x' },
      { id: 'e', type: 'profile.start', sampling_bytes: -5 }, { id: 'f', type: 'profile.stop' }],
  })),
  'server errors': (_request, response) => { response.statusCode = 500; response.end('{}'); },
  'a huge reply': (_request, response) => {
    const write = () => { while (!response.destroyed && response.write(Buffer.alloc(65_536, 32))); };
    response.on('drain', write);
    write();
  },
  'half a reply': (_request, response) => { response.writeHead(200, { 'content-length': 100 }); response.write('{'); setTimeout(() => response.destroy(), 20); },
  'no reply': () => {},
  'a cut connection': (request) => request.socket.destroy(),
  'no HTTP': (request) => request.socket.end('SSH-2.0-x\r\n'),
};

for (const [name, lie] of Object.entries(LIES)) {
  test(`with a collector that answers ${name} the program runs and ends as without one`, async () => {
    await withCollector(async (collector) => {
      const program = `
        process.on('uncaughtException', (error) => { console.log('uncaught', error); process.exitCode = 3; });
        process.on('unhandledRejection', (error) => { console.log('unhandled', error); process.exitCode = 4; });
        let ended;
        setTimeout(() => { ended = performance.now(); console.log('done', {}.x); }, 700);
        process.on('exit', () => { if (performance.now() - ended > 8000) console.log('kept alive'); });
      `;
      const env = environment({ HEAPSLEUTH_COLLECTOR: collector.url });
      const { code, stdout, stderr } = await run(['-e', program], { env });

      assert.deepStrictEqual([code, stdout, stderr], [0, 'done undefined\n', '']);
      assert.ok(collector.requests.length >= 1);
    }, (request, response) => { lie(request, response); return true; });
  });
}

test('without a collector at its address the program runs and ends as without the agent', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => { server.on('listening', resolve); });
  const { port } = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  const env = environment({ HEAPSLEUTH_COLLECTOR: `http://127.0.0.1:${port}` });
  const { code, stdout, stderr } = await run(['-e', 'setTimeout(() => console.log("done"), 500)'], { env });

  assert.deepStrictEqual([code, stdout, stderr], [0, 'done\n', '']);
});

test('reports go on after the collector was away', async () => {
  let away = true;
  const absent = (request) => {
    if (away) request.socket.destroy();
    return away;
  };
  await withCollector(async (collector) => {
    const { child } = start(['stays.cjs'], { env: environment({ HEAPSLEUTH_COLLECTOR: collector.url }) });
    await eventually(() => collector.requests.length >= 2, 'two tries');
    away = false;
    await collector.until(() => collector.samples.length >= 10, 'what was measured meanwhile');
    child.kill();

    assert.ok(collector.messages.at(-1).counters.errors >= 2);
    assert.strictEqual(collector.messages[0].sequence, 1);
  }, absent);
});
