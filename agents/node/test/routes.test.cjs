'use strict';

const assert = require('node:assert');
const http = require('node:http');
const { test } = require('node:test');

const requests = require('../lib/samplers/requests.cjs');
const { MAX_ROUTES, Routes, pathName } = require('../lib/samplers/routes.cjs');
const { eventually } = require('./processes.cjs');

/** Runs `use` with a server's port and a function that reads the sampler. */
async function withServer(handler, use, context = {}) {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  await new Promise((resolve) => { server.on('listening', resolve); });
  const sampler = requests.open(context);
  const read = (reset = true) => {
    const sample = {};
    sampler.read(sample, { reset });
    return sample;
  };
  try {
    await use({ port: server.address().port, read });
  } finally {
    sampler.close();
    server.close();
    server.closeAllConnections();
  }
}

const get = (port, path, method = 'GET') => fetch(`http://127.0.0.1:${port}${path}`, { method }).then((reply) => reply.text());

test('ids in paths are replaced, and names with digits in them are not', () => {
  const names = {
    '/': '/',
    '/orders/123?full=1': '/orders/:id',
    '/v2/users/550e8400-e29b-41d4-a716-446655440000/cart': '/v2/users/:id/cart',
    '/oauth2/token': '/oauth2/token',
    '/static/app.3f2a9c1b.js': '/static/:id',
    '/a/5f3c2b1a9d8e7f6a5b4c3d2e': '/a/:id',
    '/s3/buckets': '/s3/buckets',
  };
  assert.deepStrictEqual(Object.fromEntries(Object.keys(names).map((path) => [path, pathName(path)])), names);
});

test('paths have the same place exactly when they have the same name', () => {
  const routes = new Routes();
  const of = (url, method = 'GET') => routes.of({ method, url }, 200);
  const urls = ['/', '/a', '/a/', '/a/1', '/a/22?x=1', '/a/22/b', '/1/a', '/a/b', '/v2/a', '/v3/a', '/a/12345678x', '/a/x1234567?1'];
  for (const one of urls) {
    for (const other of urls) {
      assert.strictEqual(of(one) === of(other), pathName(one) === pathName(other), `${one} and ${other}`);
    }
  }
  assert.notStrictEqual(of('/a'), of('/a', 'PUT'));
});

test('the patterns of Express and of Fastify are read, with ids of the router\'s own path replaced', () => {
  const { kPattern } = require('../lib/samplers/routes.cjs');
  const routes = new Routes();
  const express = (baseUrl, path, url) => ({ method: 'GET', url, originalUrl: url, baseUrl, route: { path } });

  const one = routes.of(express('/shops/7', '/orders/:order', '/shops/7/orders/abc'), 200);
  assert.strictEqual(one.name, 'GET /shops/:id/orders/:order');
  assert.strictEqual(routes.of(express('/shops/8', '/orders/:order', '/shops/8/orders/def'), 404), one);
  assert.strictEqual(routes.of(express('', /^\/x/, '/x1'), 200).name, 'GET /^\\/x/');
  assert.strictEqual(routes.of({ method: 'POST', url: '/u/bob', [kPattern]: '/u/:name' }, 200).name, 'POST /u/:name');
});

test('a sample has statuses and durations by route, the first of all requests', async () => {
  const answer = (request, response) => {
    if (request.url.startsWith('/missing')) response.statusCode = 404;
    if (request.url === '/fails') response.statusCode = 500;
    response.end('x');
  };
  await withServer(answer, async ({ port, read }) => {
    for (const path of ['/a/1', '/a/2', '/a/3', '/fails', '/missing/x', '/missing/y']) await get(port, path);
    const sample = read();

    assert.deepStrictEqual(
      sample.http.map(({ route, count, statuses }) => [route, count, statuses]),
      [
        ['', 6, { '2xx': 3, '4xx': 2, '5xx': 1 }],
        ['GET /a/:id', 3, { '2xx': 3 }],
        ['GET /fails', 1, { '5xx': 1 }],
        ['other', 2, { '4xx': 2 }],
      ],
    );
    for (const { count, buckets } of sample.http) {
      assert.strictEqual(buckets.reduce((sum, [, one]) => sum + one, 0), count);
    }
    const { requests_total, requests_2xx_total, requests_4xx_total, requests_5xx_total } = sample;
    assert.deepStrictEqual([requests_total, requests_2xx_total, requests_4xx_total, requests_5xx_total], [6, 3, 2, 1]);
    assert.ok(!('http' in read()), 'the interval began anew');
  });
});

test('looking without ending the interval leaves it as it is', async () => {
  await withServer((_request, response) => response.end('x'), async ({ port, read }) => {
    await get(port, '/a');
    assert.ok(!('http' in read(false)));
    assert.strictEqual(read().http[0].count, 1);
  });
});

test('routes beyond the 49th are told together, and a route that is asked for often gets a place', () => {
  const routes = new Routes();
  const ask = (url) => { const route = routes.of({ method: 'GET', url }, 200); route.count += 1; return route.name; };
  for (let i = 0; i < MAX_ROUTES; i += 1) ask(`/${String.fromCharCode(97 + (i % 26))}${'y'.repeat(i / 26)}`);

  assert.strictEqual(ask('/busy'), 'other');
  routes.reset();
  assert.strictEqual(ask('/busy'), 'GET /busy');
  assert.ok(routes.all.length <= MAX_ROUTES + 1);
});

test('requests that are under way are counted, also when the client goes away', async () => {
  const waiting = [];
  await withServer((_request, response) => { waiting.push(response); }, async ({ port, read }) => {
    const clients = [1, 2, 3].map(() => http.get({ port, host: '127.0.0.1', agent: false }).on('error', () => {}));
    await eventually(() => read(false).requests_open === 3, 'three under way');
    clients[0].destroy();
    await eventually(() => read(false).requests_open === 2, 'one given up');
    waiting.forEach((response) => response.end());
    await eventually(() => read(false).requests_open === 0, 'all answered');
  });
});

test('two samplers at once count the same', async () => {
  await withServer((_request, response) => response.end('x'), async ({ port, read }) => {
    const second = requests.open({});
    await get(port, '/a');
    const sample = {};
    second.read(sample, { reset: true });
    second.close();
    const { requests_open, requests_total } = read();

    assert.deepStrictEqual([sample.requests_open, sample.requests_total], [requests_open, requests_total]);
    assert.deepStrictEqual([requests_open, requests_total], [0, 1]);
  });
});
