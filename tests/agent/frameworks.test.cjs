'use strict';

// The admin router and the page for Prometheus within the frameworks people mount them in.

const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const express = require('express');
const fastify = require('fastify');
const Koa = require('koa');

const heapsleuth = require('../../agents/node/index.cjs');

const TOKEN = 'a-token-of-the-tests';

const listening = (server) => new Promise((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
});

/** Framework → a service with the router, a page for Prometheus and a route of its own; `{url, close}`. */
const SERVICES = {
  async http(admin, metrics) {
    const server = http.createServer((request, response) => {
      if (admin.matches(request)) admin(request, response);
      else if (request.url === '/metrics') metrics(request, response);
      else response.end('mine');
    });
    return { url: await listening(server), close: () => server.close() };
  },

  async express(admin, metrics) {
    const app = express();
    app.use(express.json());
    app.use(admin);
    app.get('/metrics', metrics);
    app.get('/mine', (_, response) => response.send('mine'));
    const server = http.createServer(app);
    return { url: await listening(server), close: () => server.close() };
  },

  async fastify(admin) {
    const app = fastify();
    app.register(admin.fastify);
    app.get('/metrics', async (_, reply) => reply.type('text/plain').send(await heapsleuth.prometheus()));
    app.get('/mine', async () => 'mine');
    return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
  },

  async koa(admin) {
    const app = new Koa();
    app.use(admin.koa);
    app.use(async (context) => {
      if (context.path === '/metrics') context.body = await heapsleuth.prometheus();
      else if (context.path === '/mine') context.body = 'mine';
    });
    const server = http.createServer(app.callback());
    return { url: await listening(server), close: () => server.close() };
  },
};

for (const [name, open] of Object.entries(SERVICES)) {
  test(`${name}: the endpoints are there, for those who may, and nothing else has changed`, async (t) => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'heapsleuth-test-'));
    t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
    process.env.HEAPSLEUTH_SERVICE = `frameworks_${name}_${process.pid}`;
    const log = [];
    const admin = heapsleuth.admin({ token: TOKEN, dir, audit: (entry) => log.push(entry) });
    const { url, close } = await open(admin, heapsleuth.metricsHandler());
    t.after(close);
    const ask = async (method, target, { token = TOKEN, headers = {}, body } = {}) => {
      const response = await fetch(url + target, {
        method, body, headers: { connection: 'close', ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
      });
      const text = await response.text();
      return { status: response.status, text, headers: response.headers, json: () => JSON.parse(text) };
    };

    assert.strictEqual((await ask('GET', '/mine')).text, 'mine');
    assert.match((await ask('GET', '/metrics')).text, /^heapsleuth_heap_limit_bytes \d+$/m);
    assert.strictEqual((await ask('GET', '/nothing')).status, name === 'http' ? 200 : 404);

    assert.ok((await ask('GET', '/diagnostics/memory')).json().heap_used_bytes > 1e6);
    // With a body, of a type that a parser would stumble over.
    const odd = { headers: { 'content-type': 'application/json' }, body: '{' };
    if (name !== 'express') assert.strictEqual((await ask('POST', '/diagnostics/gc', odd)).status, 200);
    const gc = await ask('POST', '/diagnostics/gc');
    assert.deepStrictEqual([gc.status, gc.json().freed_bytes >= 0], [200, true]);
    assert.ok((await ask('GET', '/diagnostics/handles')).json().handles.total >= 1);

    const taken = (await ask('POST', '/diagnostics/heap-snapshot')).json();
    const target = `/diagnostics/heap-snapshots/${taken.name}`;
    const listed = (await ask('GET', '/diagnostics/heap-snapshots')).json();
    assert.deepStrictEqual(listed.snapshots.map(({ name: one }) => one), [taken.name]);
    const file = await ask('GET', target);
    assert.strictEqual(file.text.length, taken.bytes);
    assert.ok(JSON.parse(file.text).nodes.length > 0);
    assert.deepStrictEqual([file.headers.get('cache-control'), file.headers.get('x-content-type-options')], ['no-store', 'nosniff']);
    assert.strictEqual((await ask('DELETE', target)).status, 204);
    assert.deepStrictEqual(fs.readdirSync(dir), []);

    for (const [method, where] of [['GET', '/memory'], ['POST', '/gc'], ['POST', '/heap-snapshot'], ['GET', '/handles'], ['DELETE', '/heap-snapshots/a.heapsnapshot']]) {
      for (const token of [null, `${TOKEN}x`]) {
        const { status } = await ask(method, `/diagnostics${where}`, { token });
        assert.strictEqual(status, 401, `${method} ${where}`);
      }
    }
    assert.strictEqual((await ask('PUT', '/diagnostics/memory')).status, 405);
    assert.strictEqual((await ask('GET', '/diagnostics/nothing')).status, 404);
    assert.ok(['snapshot', 'download', 'delete', 'gc'].every((action) => log.some((entry) => entry.action === action)));
  });
}

test('authorize gets the framework\'s own request', async (t) => {
  const ask = async (url, target) => (await fetch(url + target, { headers: { 'x-user': 'ada', connection: 'close' } })).status;
  const actors = [];
  const audit = ({ actor }) => actors.push(actor);

  const app = express();
  app.use((request, _, next) => { request.user = request.headers['x-user']; next(); });
  app.use('/internal', heapsleuth.admin({ audit, authorize: (request) => request.user }));
  const server = http.createServer(app);
  const url = await listening(server);
  t.after(() => server.close());
  assert.deepStrictEqual([await ask(url, '/internal/diagnostics/memory'), await ask(url, '/diagnostics/memory')], [200, 404]);

  const fast = fastify();
  fast.decorateRequest('user', null);
  fast.addHook('onRequest', async (request) => { request.user = request.headers['x-user']; });
  fast.register(heapsleuth.admin({ audit, authorize: (request) => request.user }).fastify, { prefix: '/internal' });
  const fastUrl = await fast.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => fast.close());
  assert.deepStrictEqual([await ask(fastUrl, '/internal/diagnostics/memory'), await ask(fastUrl, '/diagnostics/memory')], [200, 404]);

  const koa = new Koa();
  koa.use(async (context, next) => { context.state.user = context.get('x-user'); await next(); });
  koa.use(heapsleuth.admin({ audit, authorize: (context) => context.state.user }).koa);
  const koaServer = http.createServer(koa.callback());
  const koaUrl = await listening(koaServer);
  t.after(() => koaServer.close());
  assert.strictEqual(await ask(koaUrl, '/diagnostics/memory'), 200);

  assert.deepStrictEqual(actors, ['ada', 'ada', 'ada']);
});

test('what the service itself refuses never gets to the router', async (t) => {
  const fast = fastify();
  fast.addHook('onRequest', async (_, reply) => reply.code(418).send('no'));
  fast.register(heapsleuth.admin({ audit: false, authorize: () => true }).fastify);
  const url = await fast.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => fast.close());

  assert.strictEqual((await fetch(`${url}/diagnostics/memory`, { headers: { connection: 'close' } })).status, 418);
});
