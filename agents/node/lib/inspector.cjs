'use strict';

const { soon } = require('./clock.cjs');

/**
 * A session on the inspector of this thread, or of the main one; needs no flag and opens no port. When one ends,
 * whatever it was used for, V8 gives every object a new id (`ClearObjectIds`), and snapshots from before and after
 * can no longer be compared.
 */
function connect({ toMainThread = false } = {}) {
  const { Session } = require('node:inspector');
  const session = new Session();
  if (toMainThread) session.connectToMainThread();
  else session.connect();
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

let collect;

/**
 * V8's own collector. Not by an inspector session, whose end renumbers all objects.
 * The flag may be set at run time; only contexts made afterwards get the function.
 */
function collector() {
  if (collect === undefined) {
    const v8 = require('node:v8');
    const vm = require('node:vm');
    v8.setFlagsFromString('--expose-gc');
    collect = vm.runInNewContext('gc');
    v8.setFlagsFromString('--no-expose-gc');
  }
  return collect;
}

/**
 * Collects all garbage, twice: what finalizers and weak callbacks let go of in the turn after the
 * first collection is gone after the second.
 */
async function collectGarbage() {
  const gc = collector();
  gc();
  await turnOfTheLoop();
  gc();
  // Array buffers are freed in the background; the observer is told of the collection.
  await turnOfTheLoop();
}

module.exports = { collectGarbage, connect };
