'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { test } = require('node:test');
const { take } = require('../lib/snapshot/index.cjs');
const { oldGeneration } = require('../lib/snapshot/heap-limit.cjs');
const { acquire, lockPath } = require('../lib/snapshot/lock.cjs');
const { watchThreshold } = require('../lib/snapshot/threshold.cjs');
const { folderFor, runChild, serviceFor } = require('./snapshot-folders.cjs');

test('of two calls at once one snapshot is taken and one is told that it is busy', async (t) => {
  const dir = folderFor(t);
  const service = serviceFor(t);
  const outcomes = await Promise.allSettled([take({ dir, service }), take({ dir, service })]);

  assert.deepEqual(outcomes.map(({ status }) => status), ['fulfilled', 'rejected']);
  assert.equal(outcomes[1].reason.code, 'busy');
  assert.match(outcomes[1].reason.text, /this process is taking a snapshot/);
  assert.equal((await take({ dir, service })).kind, 'snapshot');
});

test('of four cluster workers asked at once never two stop at the same time', async (t) => {
  const dir = folderFor(t);
  const service = serviceFor(t);
  const { result } = await runChild(
    "const cluster = require('node:cluster');" +
      'const replies = []; let ready = 0;' +
      "cluster.on('message', (worker, message) => {" +
      "  if (message === 'ready') { if ((ready += 1) === 4) for (const one of Object.values(cluster.workers)) one.send('go'); return; }" +
      '  replies.push(message); if (replies.length === 4) { done(replies); cluster.disconnect(); } });' +
      `cluster.setupPrimary({ execArgv: [], exec: ${JSON.stringify(require.resolve('./snapshot-worker.cjs'))}, args: [${JSON.stringify(dir)}, ${JSON.stringify(service)}] });` +
      'for (let n = 0; n < 4; n += 1) cluster.fork();',
  );
  const taken = result.filter(({ ok }) => ok).sort((a, b) => a.since - b.since);
  const refused = result.filter(({ ok }) => !ok);

  assert.ok(taken.length >= 1);
  assert.deepEqual(refused.map(({ code }) => code), refused.map(() => 'busy'));
  for (let n = 1; n < taken.length; n += 1) assert.ok(taken[n].since >= taken[n - 1].until, JSON.stringify(taken));
  assert.equal(fs.readdirSync(dir).filter((name) => name.endsWith('.heapsnapshot')).length, taken.length);
});

test('who is willing to wait gets the lock when the other is done', async (t) => {
  const service = serviceFor(t);
  const dir = folderFor(t);
  const other = require('node:child_process').spawn('sleep', ['600']);
  fs.writeFileSync(lockPath(service), JSON.stringify({ pid: other.pid }));

  await assert.rejects(take({ dir, service }), { code: 'busy', message: new RegExp(`process ${other.pid} is taking`) });
  const alive = setInterval(() => {}, 50);
  setTimeout(() => other.kill(), 500);
  assert.equal((await take({ dir, service, waitMs: 120_000 })).kind, 'snapshot');
  clearInterval(alive);
});

test('the lock of a dead process is taken over, that of a living one is respected', (t) => {
  const service = serviceFor(t);
  const file = lockPath(service);
  const cases = [
    [{ pid: 2 ** 22 + 1, start: '1' }, true],
    [{ pid: process.ppid, start: 'another process that had this id' }, process.platform === 'linux'],
    [{ pid: process.ppid }, false],
    ['not ours', true],
  ];
  for (const [content, free] of cases) {
    fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    const lock = acquire(service);
    assert.equal(lock.held, free, JSON.stringify(content));
    if (lock.held) lock.release();
    assert.equal(fs.existsSync(file), !free);
    fs.rmSync(file, { force: true });
  }
});

test('a cooldown holds for the whole host group, says how long, and yields to force', async (t) => {
  const dir = folderFor(t);
  const service = serviceFor(t);
  await take({ dir, service, cooldownMs: 60_000 });

  await assert.rejects(take({ dir, service, cooldownMs: 60_000 }), { code: 'cooldown', message: /the next may be in \d+ s \(cooldown 60 s\)/ });
  assert.equal((await take({ dir, service, cooldownMs: 60_000, force: true })).kind, 'snapshot');
});

test('the threshold asks once per cooldown, and only above its share of the limit', async (t) => {
  const asked = [];
  const state = (options) => ({ options: { service: serviceFor(t), ...options }, snapshotFor: (reason) => asked.push(reason) });
  const limit = oldGeneration().limitBytes;
  const watch = watchThreshold(state({}));
  t.after(() => watch.stop());

  assert.equal(watch.check(limit * 0.84), false);
  assert.equal(watch.check(limit * 0.86), true);
  assert.equal(watch.check(limit * 0.86), false, 'within the cooldown');
  assert.equal(watchThreshold(state({ snapshotThreshold: 0 })).check(limit), false, 'switched off');
  const hasty = watchThreshold(state({ snapshotThreshold: 0.5, snapshotCooldownMs: 0 }));
  t.after(() => hasty.stop());
  assert.deepEqual([hasty.check(limit * 0.6), hasty.check(limit * 0.6)], [true, true]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(asked, ['threshold', 'threshold', 'threshold']);
});

test('a worker of a cluster that took a snapshot quiets the thresholds of the others', async (t) => {
  const service = serviceFor(t);
  await take({ dir: folderFor(t), service });
  const watch = watchThreshold({ options: { service, snapshotThreshold: 0.001 }, snapshotFor: () => assert.fail('asked') });
  t.after(() => watch.stop());

  assert.equal(watch.check(), false);
});
