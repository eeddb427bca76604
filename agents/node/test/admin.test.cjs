'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { test } = require('node:test');

const heapsleuth = require('../index.cjs');
const { ROUTES } = require('../lib/admin/router.cjs');
const { describeRefusal } = require('../lib/admin/refusal.cjs');
const { SnapshotError } = require('../lib/snapshot/index.cjs');
const { environment, run } = require('./processes.cjs');
const { folderFor, serviceFor } = require('./snapshot-folders.cjs');

const TOKEN = 'a-token-of-the-tests';
const INDEX = JSON.stringify(require.resolve('../index.cjs'));

/** A server that is the admin router and nothing else; `ask(method, path, headers)`. */
async function mounted(t, options = {}) {
  const dir = options.dir ?? folderFor(t);
  process.env.HEAPSLEUTH_SERVICE = serviceFor(t);
  const log = [];
  const admin = heapsleuth.admin({ token: TOKEN, dir, audit: (entry) => log.push(entry), ...options });
  const server = http.createServer(admin);
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address();
  // Not fetch: it tidies paths up.
  const ask = (method, target, headers = { authorization: `Bearer ${TOKEN}` }) => new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method, path: target, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const isJson = /json/.test(response.headers['content-type'] ?? '') && bytes.length > 0;
        resolve({
          status: response.statusCode, headers: response.headers, bytes, body: isJson ? JSON.parse(bytes) : null,
        });
      });
    });
    request.on('error', reject);
    request.end();
  });
  return { ask, dir, log, port };
}

/** A request of every route, with its method. */
const EVERY_ROUTE = [
  ['GET', '/diagnostics/memory'],
  ['POST', '/diagnostics/gc'],
  ['GET', '/diagnostics/handles'],
  ['POST', '/diagnostics/heap-snapshot'],
  ['GET', '/diagnostics/heap-snapshots'],
  ['GET', '/diagnostics/heap-snapshots/a.heapsnapshot'],
  ['DELETE', '/diagnostics/heap-snapshots/a.heapsnapshot'],
];

test('the list of routes in these tests is whole', () => {
  const tested = EVERY_ROUTE.map(([method, target]) => [method, target.slice('/diagnostics'.length)]);
  const all = ROUTES.flatMap(([pattern, methods]) => Object.keys(methods).map((method) => [method, pattern]));

  assert.strictEqual(tested.length, all.length);
  for (const [method, pattern] of all) {
    assert.ok(tested.some(([one, target]) => one === method && pattern.test(target)), `${method} ${pattern}`);
  }
});

test('it does not mount without authorize or a good token', () => {
  const wrong = [
    [undefined, /expected authorize\(request\), which says who may, or a token/],
    [{ authorize: 'admin' }, /expected authorize to be a function, got string/],
    [{ token: '' }, /at least 16 characters, got one of 0/],
    [{ token: 'only-15-letters' }, /at least 16 characters, got one of 15/],
    [{ token: null }, /at least 16 characters, got object/],
    [{ authorize: () => true, token: 'short' }, /at least 16 characters/],
  ];
  for (const [options, text] of wrong) assert.throws(() => heapsleuth.admin(options), { name: 'TypeError', message: text });
  assert.doesNotThrow(() => heapsleuth.admin({ token: 'sixteen-letters-' }));
});

test('every route refuses no token, a wrong one and one in the wrong place', async (t) => {
  const { ask, dir, log } = await mounted(t);
  fs.writeFileSync(path.join(dir, 'a.heapsnapshot'), '{}');
  const wrong = [
    {},
    { authorization: `Bearer ${TOKEN}x` },
    { authorization: `Bearer ${TOKEN.slice(0, -1)}` },
    { authorization: `Basic ${TOKEN}` },
    { authorization: TOKEN },
    { cookie: `token=${TOKEN}` },
  ];
  for (const [method, target] of EVERY_ROUTE) {
    for (const headers of wrong) {
      const { status, headers: got } = await ask(method, `${target}?token=${TOKEN}`, headers);
      assert.deepStrictEqual([status, got['www-authenticate']], [401, 'Bearer realm="heapsleuth"'], `${method} ${target}`);
    }
  }
  // What there is, is nobody's business either.
  assert.strictEqual((await ask('GET', '/diagnostics/nothing', {})).status, 401);
  assert.strictEqual((await ask('PUT', '/diagnostics/memory', {})).status, 401);
  assert.deepStrictEqual(fs.readdirSync(dir), ['a.heapsnapshot']);
  assert.strictEqual(log.length, EVERY_ROUTE.length * wrong.length + 2);
  assert.ok(log.every(({ status, actor, code }) => status === 401 && actor === null && code === 'no-token'));
});

test('authorize lets in by true or a name only, and one that fails lets nobody in', async (t) => {
  const answers = {
    true: [true, 200, null], name: ['ada', 200, 'ada'], actor: [{ actor: 'bob' }, 200, 'bob'],
    undefined: [undefined, 403, null], one: [1, 403, null], user: [{ name: 'eve' }, 403, null], empty: ['', 403, null],
    async: [Promise.resolve(true), 200, null],
  };
  const { ask, log } = await mounted(t, {
    token: undefined,
    authorize: (request) => {
      const wanted = request.headers['x-answer'];
      if (wanted === 'throws') throw new Error('no');
      return wanted === 'rejects' ? Promise.reject(new Error('no')) : answers[wanted][0];
    },
  });
  for (const [name, [, status, actor]] of Object.entries(answers)) {
    assert.strictEqual((await ask('GET', '/diagnostics/memory', { 'x-answer': name })).status, status, name);
    assert.strictEqual(log.at(-1).actor, actor, name);
  }
  for (const name of ['throws', 'rejects']) {
    const { status, body } = await ask('GET', '/diagnostics/memory', { 'x-answer': name });
    assert.deepStrictEqual([status, body.error.code], [403, 'forbidden']);
  }
});

test('with both, both are asked', async (t) => {
  const { ask } = await mounted(t, { authorize: (request) => request.headers['x-user'] === 'ada' });
  const authorization = `Bearer ${TOKEN}`;
  const statuses = [];
  for (const headers of [{ authorization }, { 'x-user': 'ada' }, { authorization, 'x-user': 'ada' }]) {
    statuses.push((await ask('GET', '/diagnostics/memory', headers)).status);
  }

  assert.deepStrictEqual(statuses, [403, 401, 200]);
});

test('a page of another site cannot use a user\'s cookies to change something', async (t) => {
  const { ask, port } = await mounted(t, { token: undefined, authorize: () => true });
  const cases = [
    [{ 'sec-fetch-site': 'cross-site' }, 403], [{ 'sec-fetch-site': 'same-site' }, 403], [{ 'sec-fetch-site': 'same-origin' }, 404],
    [{ origin: 'https://evil.example' }, 403], [{ origin: 'null' }, 403], [{ origin: `http://127.0.0.1:${port}` }, 404], [{}, 404],
  ];
  for (const [headers, status] of cases) {
    const answer = await ask('DELETE', '/diagnostics/heap-snapshots/none.heapsnapshot', headers);
    assert.strictEqual(answer.status, status, JSON.stringify(headers));
  }
});

test('memory says what is in use and what may be', async (t) => {
  const { ask } = await mounted(t);
  const { status, body, headers } = await ask('GET', '/diagnostics/memory');

  assert.strictEqual(status, 200);
  assert.deepStrictEqual(Object.keys(body), [
    'at_ms', 'uptime_ms', 'heap_used_bytes', 'heap_total_bytes', 'heap_limit_bytes', 'heap_used_percent', 'floor_bytes',
    'external_bytes', 'array_buffers_bytes', 'rss_bytes', 'container_limit_bytes', 'container_working_set_bytes',
  ]);
  assert.ok(body.heap_used_bytes > 1e6 && body.heap_used_bytes < body.heap_total_bytes && body.heap_total_bytes < body.rss_bytes);
  assert.ok(Math.abs(body.heap_used_percent - (100 * body.heap_used_bytes) / body.heap_limit_bytes) < 0.01);
  assert.ok(body.uptime_ms > 0 && body.uptime_ms <= Math.ceil(process.uptime() * 1000));
  assert.deepStrictEqual(
    ['cache-control', 'x-content-type-options', 'content-security-policy', 'referrer-policy', 'cross-origin-resource-policy']
      .map((name) => headers[name]),
    ['no-store', 'nosniff', "default-src 'none'; frame-ancestors 'none'", 'no-referrer', 'same-origin'],
  );
  const head = await ask('HEAD', '/diagnostics/memory');
  assert.deepStrictEqual([head.status, head.bytes.length], [200, 0]);
});

test('gc frees garbage without --expose-gc, and says how much', async (t) => {
  let garbage = Array.from({ length: 300_000 }, (_, i) => ({ i }));
  // Let go of at the last moment, or V8 is sooner.
  const authorize = () => {
    garbage = null;
    return true;
  };
  const { ask, log } = await mounted(t, { authorize });
  assert.strictEqual(garbage.length, 300_000);
  const { status, body } = await ask('POST', '/diagnostics/gc');

  assert.strictEqual(status, 200);
  assert.ok(body.freed_bytes > 3e6, JSON.stringify(body));
  assert.strictEqual(body.heap_used_before_bytes - body.freed_bytes, body.heap_used_bytes);
  assert.ok(body.duration_ms >= 0);
  assert.deepStrictEqual([log[0].action, log[0].actor, log[0].status, log[0].remote], ['gc', 'token', 200, '127.0.0.1']);
});

test('where a collection cannot be forced, gc answers 400 with the reason', async () => {
  const source = `
    // As a hardened Node.js does it.
    require('node:v8').setFlagsFromString = () => { throw new Error('flags are frozen'); };
    const admin = require(${INDEX}).admin({ token: '${TOKEN}', audit: false });
    const server = require('node:http').createServer(admin).listen(0, '127.0.0.1', async () => {
      const url = 'http://127.0.0.1:' + server.address().port + '/diagnostics/gc';
      const response = await fetch(url, { method: 'POST', headers: { authorization: 'Bearer ${TOKEN}' } });
      console.log(response.status, (await response.json()).error.text);
      process.exit();
    });
  `;
  const env = environment({ NODE_OPTIONS: '' });
  const without = await run(['-e', source], { env });
  const exposed = await run(['--expose-gc', '-e', source.replace('.error.text', '.freed_bytes >= 0')], { env });

  assert.strictEqual(without.stdout, '400 a garbage collection cannot be forced here (flags are frozen); start Node.js with --expose-gc\n');
  assert.strictEqual(exposed.stdout, '200 true\n');
});

test('a snapshot is taken, listed, downloaded and deleted', async (t) => {
  const { ask, dir, log } = await mounted(t);
  const taken = await ask('POST', '/diagnostics/heap-snapshot');
  assert.strictEqual(taken.status, 201, JSON.stringify(taken.body));
  const { name, bytes } = taken.body;
  assert.strictEqual(taken.body.path, path.join(dir, name));
  assert.strictEqual(taken.headers.location, `heap-snapshots/${name}`);
  assert.match(name, /-admin-\d+\.heapsnapshot$/);
  assert.ok(taken.body.predicted.nodes > 1000 && taken.body.pause_ms > 0);

  const { body: { snapshots } } = await ask('GET', '/diagnostics/heap-snapshots');
  assert.deepStrictEqual(snapshots.map(({ name: one, bytes: size }) => [one, size]), [[name, bytes]]);

  const target = `/diagnostics/heap-snapshots/${name}`;
  const file = await ask('GET', target);
  assert.strictEqual(file.status, 200);
  assert.ok(file.bytes.equals(fs.readFileSync(path.join(dir, name))));
  assert.deepStrictEqual(
    [file.headers['content-type'], file.headers['content-disposition'], file.headers['cache-control'], file.headers['content-length']],
    ['application/octet-stream', `attachment; filename="${name}"`, 'no-store', String(bytes)],
  );
  const head = await ask('HEAD', target);
  assert.deepStrictEqual([head.status, head.bytes.length, head.headers['content-length']], [200, 0, String(bytes)]);

  assert.strictEqual((await ask('DELETE', target)).status, 204);
  assert.deepStrictEqual(fs.readdirSync(dir), []);
  assert.strictEqual((await ask('DELETE', target)).status, 404);
  assert.strictEqual((await ask('GET', target)).status, 404);
  assert.deepStrictEqual(log.map(({ action, status, name: one }) => [action, status, one]), [
    ['snapshot', 201, name], ['list', 200, undefined], ['download', 200, name], ['download', 200, name], ['delete', 204, name],
    ['delete', 404, undefined], ['download', 404, undefined],
  ]);
});

test('snapshots are taken one at a time, and not before the cooldown is over', async (t) => {
  const { ask, dir } = await mounted(t, { cooldownMs: 600_000 });
  const answers = await Promise.all([1, 2].map(() => ask('POST', '/diagnostics/heap-snapshot')));
  const [taken, refused] = answers.sort((one, other) => one.status - other.status);
  assert.deepStrictEqual([taken.status, refused.status], [201, 409]);
  assert.ok(['busy', 'cooldown'].includes(refused.body.error.code));

  const early = await ask('POST', '/diagnostics/heap-snapshot');
  assert.deepStrictEqual([early.status, early.body.error.code, early.body.error.figures.cooldown_ms], [409, 'cooldown', 600_000]);
  assert.match(early.body.error.text, /^refused: the last snapshot/);
  assert.strictEqual(fs.readdirSync(dir).filter((name) => name.endsWith('.heapsnapshot')).length, 1);
});

test('where a snapshot has no room the figures are told', { skip: process.platform !== 'linux' && 'only on Linux' }, async (t) => {
  const dir = folderFor(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    t.skip('no right to mount a small disk');
    return;
  }
  try {
    const { ask } = await mounted(t, { dir });
    const { status, body } = await ask('POST', '/diagnostics/heap-snapshot');
    assert.deepStrictEqual([status, body.error.code, body.error.figures.free_disk_bytes], [507, 'disk', 1 << 20]);
    assert.match(body.error.text, /the file would take about/);
  } finally {
    execFileSync('umount', [dir]);
  }
});

test('a refusal\'s code decides the status', () => {
  const statusOf = (code) => describeRefusal(new SnapshotError(code, 'text', { a: 1 })).status;

  assert.deepStrictEqual(['busy', 'cooldown', 'too-near-limit', 'memory', 'disk', 'disk-full', 'folder', 'permission'].map(statusOf),
    [409, 409, 409, 507, 507, 507, 500, 500]);
  assert.deepStrictEqual(describeRefusal(new SnapshotError('memory', 'text', { a: 1 })).body, {
    error: { code: 'memory', text: 'text', figures: { a: 1 } },
  });
});

test('no name leads out of the folder, to a link or to another kind of file', async (t) => {
  const outer = folderFor(t);
  const dir = path.join(outer, 'dumps');
  fs.mkdirSync(path.join(dir, 'folder.heapsnapshot'), { recursive: true });
  fs.writeFileSync(path.join(outer, 'secret.heapsnapshot'), 'secret');
  fs.writeFileSync(path.join(dir, '.env'), 'secret');
  fs.writeFileSync(path.join(dir, '.hidden.heapsnapshot'), 'secret');
  fs.writeFileSync(path.join(dir, 'server.js'), 'secret');
  fs.symlinkSync(path.join(outer, 'secret.heapsnapshot'), path.join(dir, 'link.heapsnapshot'));
  const { ask } = await mounted(t, { dir });
  const names = [
    '../secret.heapsnapshot', '..%2fsecret.heapsnapshot', '..%5csecret.heapsnapshot', '%2e%2e/secret.heapsnapshot',
    `${encodeURIComponent(path.join(outer, 'secret.heapsnapshot'))}`, 'a%00.heapsnapshot', '%zz.heapsnapshot', '.env', 'server.js',
    '.hidden.heapsnapshot', 'link.heapsnapshot', 'folder.heapsnapshot', '', '..', `${'a'.repeat(300)}.heapsnapshot`,
  ];
  for (const name of names) {
    for (const method of ['GET', 'DELETE']) {
      const { status, bytes } = await ask(method, `/diagnostics/heap-snapshots/${name}`);
      assert.strictEqual(status, 404, `${method} ${name}`);
      assert.ok(!bytes.includes('secret"') && bytes.toString() !== 'secret');
    }
  }
  assert.deepStrictEqual((await ask('GET', '/diagnostics/heap-snapshots')).body.snapshots, []);
  assert.deepStrictEqual(fs.readdirSync(dir).sort(), ['.env', '.hidden.heapsnapshot', 'folder.heapsnapshot', 'link.heapsnapshot', 'server.js']);
  assert.ok(fs.existsSync(path.join(outer, 'secret.heapsnapshot')));
});

test('a large file is streamed, and a reader who leaves does no harm', async (t) => {
  const { ask, dir, port, log } = await mounted(t);
  const file = path.join(dir, 'large.heapsnapshot');
  fs.writeFileSync(file, '');
  fs.truncateSync(file, 300e6);
  const before = process.memoryUsage().rss;
  let most = 0;
  const seen = await new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/diagnostics/heap-snapshots/large.heapsnapshot', headers: { authorization: `Bearer ${TOKEN}` } };
    http.get(options, (response) => {
      let length = 0;
      response.on('data', (chunk) => {
        length += chunk.length;
        if (length % 64 === 0) most = Math.max(most, process.memoryUsage.rss());
      });
      response.on('end', () => resolve(length));
    }).on('error', reject);
  });
  assert.strictEqual(seen, 300e6);
  assert.ok(most - before < 150e6, `${most - before} bytes more`);

  await new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, path: '/diagnostics/heap-snapshots/large.heapsnapshot', headers: { authorization: `Bearer ${TOKEN}` } };
    const request = http.get(options, (response) => response.once('data', () => request.destroy()));
    request.on('error', () => {});
    request.on('close', resolve);
  });
  while (log.length < 2) await new Promise((resolve) => { setTimeout(resolve, 20); });
  assert.deepStrictEqual(log.map(({ action, status }) => [action, status]), [['download', 200], ['download', 500]]);
  assert.strictEqual((await ask('GET', '/diagnostics/memory')).status, 200);
  // Nothing is left open of it.
  if (process.platform === 'linux') {
    const open = fs.readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return fs.readlinkSync(`/proc/self/fd/${fd}`) === file;
      } catch {
        return false;
      }
    });
    assert.deepStrictEqual(open, []);
  }
});

test('handles are told by type, and servers and sockets with their places', async (t) => {
  const { ask, port } = await mounted(t);
  const timer = setTimeout(() => {}, 60_000);
  const { body } = await ask('GET', '/diagnostics/handles');
  clearTimeout(timer);

  assert.ok(body.resources.by_type.Timeout >= 1);
  assert.strictEqual(body.resources.total, Object.values(body.resources.by_type).reduce((sum, count) => sum + count, 0));
  assert.ok(body.handles.by_type.Server >= 1 && body.handles.by_type.Socket >= 2);
  assert.ok(body.details.some(({ type, listening }) => type === 'Server' && listening === `127.0.0.1:${port}`));
  assert.ok(body.details.some(({ type, remote }) => type === 'Socket' && remote === `127.0.0.1:${port}`));
});

test('a wrong method is 405 with what is right, and an unknown path 404', async (t) => {
  const { ask } = await mounted(t);
  const allowed = {
    '/memory': 'GET, HEAD', '/gc': 'POST', '/handles': 'GET, HEAD', '/heap-snapshot': 'POST', '/heap-snapshots': 'GET, HEAD',
    '/heap-snapshots/a.heapsnapshot': 'GET, HEAD, DELETE',
  };
  for (const [target, allow] of Object.entries(allowed)) {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((one) => !allow.includes(one))) {
      const { status, headers } = await ask(method, `/diagnostics${target}`);
      assert.deepStrictEqual([status, headers.allow], [405, allow], `${method} ${target}`);
    }
  }
  for (const target of ['/diagnostics', '/diagnostics/', '/diagnostics/memory/', '/diagnostics//memory', '/diagnosticsmemory', '/']) {
    assert.strictEqual((await ask('GET', target)).status, 404, target);
  }
});

test('within a server of one\'s own it takes its paths only', async (t) => {
  const admin = heapsleuth.admin({ token: TOKEN, prefix: '/internal', audit: false });
  const server = http.createServer((request, response) => {
    if (admin.matches(request)) admin(request, response);
    else response.end('mine');
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  const get = async (target) => {
    const response = await fetch(`http://127.0.0.1:${server.address().port}${target}`, { headers: { authorization: `Bearer ${TOKEN}`, connection: 'close' } });
    return [response.status, response.headers.get('content-type')?.split(';')[0] ?? await response.text()];
  };

  assert.deepStrictEqual(await get('/internal/memory?pretty'), [200, 'application/json']);
  assert.deepStrictEqual(await get('/internals/memory'), [200, 'mine']);
  assert.deepStrictEqual(await get('/diagnostics/memory'), [200, 'mine']);
});

test('without a log of one\'s own, what was done is a line on standard error, and a log that fails hurts nobody', async () => {
  const source = (audit) => `
    const admin = require(${INDEX}).admin({ token: '${TOKEN}', dir: require('node:os').tmpdir(), ${audit} });
    const server = require('node:http').createServer(admin).listen(0, '127.0.0.1', async () => {
      const ask = async (method, path, token) => (await fetch('http://127.0.0.1:' + server.address().port + '/diagnostics' + path,
        { method, headers: { authorization: 'Bearer ' + token } })).status;
      console.log(await ask('POST', '/gc', '${TOKEN}'), await ask('POST', '/gc', 'x'), await ask('GET', '/memory', '${TOKEN}'));
      process.exit();
    });
  `;
  const env = environment({ NODE_OPTIONS: '' });
  const line = await run(['-e', source('')], { env });
  const silent = await run(['-e', source('audit: false')], { env });
  const failing = await run(['-e', source('audit: async () => { throw new Error(1); }')], { env });

  assert.deepStrictEqual([line.stdout, silent.stdout, failing.stdout], ['200 401 200\n', '200 401 200\n', '200 401 200\n']);
  assert.match(line.stderr, /^heapsleuth: admin \{"at":"[^"]+","action":"gc","actor":"token","method":"POST","path":"\/gc","remote":"127\.0\.0\.1","status":200\}\n$/);
  assert.deepStrictEqual([silent.stderr, failing.stderr], ['', '']);
});

test('with a running agent the collector is told of the snapshot', async (t) => {
  const { withCollector } = require('./collector.cjs');
  await withCollector(async (collector) => {
    heapsleuth.start({ collector: collector.url, intervalMs: 100, snapshotThreshold: 0, snapshotSignal: 'none', service: serviceFor(t) });
    t.after(() => heapsleuth.stop());
    const { ask } = await mounted(t);
    const { body } = await ask('POST', '/diagnostics/heap-snapshot');
    const event = await collector.until(() => collector.events.find(({ type }) => type === 'snapshot'), 'the snapshot');

    assert.deepStrictEqual([event.reason, event.ok, event.path], ['admin', true, body.path]);
    await ask('POST', '/diagnostics/gc');
    assert.ok((await ask('GET', '/diagnostics/memory')).body.floor_bytes > 1e6);
  });
});
