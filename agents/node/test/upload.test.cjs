'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { test } = require('node:test');

const { withCollector } = require('./collector.cjs');
const { environment, start } = require('./processes.cjs');
const { folderFor, serviceFor } = require('./snapshot-folders.cjs');

/** A program whose agent reports to a collector that answers uploads with `status`; `use` gets both. */
async function withUploads(t, status, use) {
  const uploads = [];
  const folder = folderFor(t);
  await withCollector(async (collector) => {
    const env = environment({
      HEAPSLEUTH_COLLECTOR: collector.url,
      HEAPSLEUTH_SNAPSHOT_DIR: folder,
      HEAPSLEUTH_TOKEN: 'secret',
      HEAPSLEUTH_SERVICE: serviceFor(t),
    });
    const { child, done } = start(['stays.cjs'], { env });
    try {
      await collector.until(() => collector.messages.length > 0, 'first report');
      await use({ collector, folder, uploads, instance: collector.messages[0].instance });
    } finally {
      child.kill('SIGKILL');
      await done;
    }
  }, (request, response, body) => {
    if (request.method !== 'PUT') return false;
    uploads.push({ url: request.url, headers: request.headers, length: body.length });
    response.writeHead(status).end('{}');
    return true;
  });
}

test('a snapshot that the collector asked for is sent to it and is gone from here', async (t) => {
  await withUploads(t, 200, async ({ collector, folder, uploads, instance }) => {
    collector.command({ id: 'a', type: 'snapshot', force: true, upload: 'u1' });
    const answer = await collector.result('a');

    assert.strictEqual(answer.ok, true, JSON.stringify(answer));
    assert.strictEqual(answer.uploaded, true);
    assert.ok(answer.bytes > 100_000);
    const [{ url, headers, length }] = uploads;
    assert.strictEqual(url.split('&')[0], `/v1/agents/${instance}/snapshots/u1?kind=snapshot`);
    assert.strictEqual(headers['content-encoding'], 'gzip');
    assert.strictEqual(headers.authorization, 'Bearer secret');
    assert.ok(length > 1000 && length < answer.bytes);
    assert.deepStrictEqual(fs.readdirSync(folder), []);
  });
});

test('a profile is sent too, and stays here when the collector asks for that', async (t) => {
  await withUploads(t, 200, async ({ collector, folder, uploads }) => {
    collector.command({ id: 'a', type: 'profile.start' });
    assert.strictEqual((await collector.result('a')).ok, true);
    collector.command({ id: 'b', type: 'profile.stop', upload: 'u2', keep: true });
    const answer = await collector.result('b');

    assert.strictEqual(answer.kept, true);
    assert.match(uploads[0].url, /u2\?kind=profile/);
    assert.strictEqual(fs.readdirSync(folder).length, 1);
  });
});

test('a snapshot that the collector does not take stays here, and the answer says so', async (t) => {
  await withUploads(t, 413, async ({ collector, folder, uploads }) => {
    collector.command({ id: 'a', type: 'snapshot', force: true, upload: 'u3' });
    const { ok, error } = await collector.result('a');

    assert.strictEqual(ok, false);
    assert.strictEqual(error.code, 'upload');
    assert.match(error.text, /it answered 413/);
    assert.strictEqual(uploads.length, 1);
    assert.ok(fs.readdirSync(folder).some((name) => name.endsWith('.heapsnapshot')));
  });
});

test('an id that could lead elsewhere is refused', async (t) => {
  await withUploads(t, 200, async ({ collector, uploads }) => {
    collector.command({ id: 'a', type: 'snapshot', force: true, upload: '../../tokens' });

    assert.strictEqual((await collector.result('a')).error.code, 'bad-command');
    assert.strictEqual(uploads.length, 0);
  });
});
