'use strict';

const { LISTS } = require('../metrics/active.cjs');

const MAX_DETAILS = 50;

const place = (address, port) => (address === undefined ? undefined : `${address}:${port}`);

/** What a handle says of itself; enough to find whose it is when a program does not end. */
function describeHandle(handle) {
  const type = handle?.constructor?.name || 'Object';
  const described = { type };
  try {
    if (typeof handle.fd === 'number') described.fd = handle.fd;
    if (typeof handle.pid === 'number') described.pid = handle.pid;
    if (typeof handle.address === 'function' && handle.listening) {
      const address = handle.address();
      described.listening = typeof address === 'object' && address ? place(address.address, address.port) : address;
    }
    if (handle.remoteAddress !== undefined) {
      described.local = place(handle.localAddress, handle.localPort);
      described.remote = place(handle.remoteAddress, handle.remotePort);
    }
  } catch {
    // Closed in between.
  }
  return described;
}

/** What keeps the event loop alive: how many of each type, and the first 50 handles. */
async function listHandles() {
  const body = {};
  for (const [list, read] of Object.entries(LISTS)) {
    const counts = [...read()].sort(([, one], [, other]) => other - one);
    body[list] = {
      total: counts.reduce((sum, [, count]) => sum + count, 0),
      by_type: Object.fromEntries(counts),
    };
  }
  body.details = (process._getActiveHandles?.() ?? []).slice(0, MAX_DETAILS).map(describeHandle);
  return { status: 200, body };
}

module.exports = { listHandles };
