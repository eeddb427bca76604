'use strict';

const { soon } = require('./clock.cjs');

/** A session on this thread's own inspector; needs no flag and opens no port. */
function connect() {
  const { Session } = require('node:inspector');
  const session = new Session();
  session.connect();
  const post = (method, params) => new Promise((resolve, reject) => {
    session.post(method, params, (error, result) => {
      if (error) reject(new Error(`${method}: ${error.message}`));
      else resolve(result);
    });
  });
  // Not within a callback of the session itself: Node 16 and 18 abort on that.
  const disconnect = () => soon(() => session.disconnect());
  return { post, disconnect };
}

const turnOfTheLoop = () => new Promise((resolve) => { soon(resolve); });

/**
 * Collects all garbage, twice: what finalizers and weak callbacks let go of in the turn after the
 * first collection is gone after the second.
 */
async function collectGarbage() {
  const { post, disconnect } = connect();
  try {
    await post('HeapProfiler.collectGarbage');
    await turnOfTheLoop();
    await post('HeapProfiler.collectGarbage');
    // Array buffers are freed in the background; the observer is told of the collection.
    await turnOfTheLoop();
  } finally {
    disconnect();
  }
}

module.exports = { collectGarbage, connect };
