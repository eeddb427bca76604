'use strict';
// A list that grows at its head, which hangs on another object every time: stores of AsyncLocalStorage,
// each with its parent, entered by a loop that waits for messages. Four snapshots.
const { AsyncLocalStorage } = require('node:async_hooks');
const { EventEmitter, once } = require('node:events');
const v8 = require('node:v8');
const path = require('node:path');

const out = process.argv[2];
const WORK = 500;
const context = new AsyncLocalStorage();
const wake = new EventEmitter();
let handled = 0;

async function consume() {
  for (;;) {
    await once(wake, 'message');
    for (let i = 0; i < WORK; i++) {
      context.enterWith({ id: handled, attributes: { topic: 'orders' }, parent: context.getStore() });
      await null;
      handled++;
    }
  }
}

(async () => {
  consume();
  for (const name of 'ABCD') {
    const goal = handled + WORK;
    wake.emit('message');
    while (handled < goal) await new Promise((resolve) => { setImmediate(resolve); });
    for (let i = 0; i < 4; i++) { global.gc?.(); await new Promise((r) => { setImmediate(r); }); }
    v8.writeHeapSnapshot(path.join(out, `${name}.heapsnapshot`));
  }
  process.exit(0);
})();
