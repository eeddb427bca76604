'use strict';

// A cluster worker that takes a snapshot when told to, and tells when it had the lock.

const { take } = require('../lib/snapshot/index.cjs');

const [, , dir, service] = process.argv;

process.on('message', async () => {
  const since = Date.now();
  const outcome = await take({ dir, service }).then(() => ({ ok: true }), ({ code }) => ({ ok: false, code }));
  process.send({ ...outcome, since, until: Date.now() });
});
process.send('ready');
