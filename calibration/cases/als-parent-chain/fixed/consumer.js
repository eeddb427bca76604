'use strict';
const { AsyncLocalStorage } = require('async_hooks');
const { once, EventEmitter } = require('events');

const context = new AsyncLocalStorage();
const queue = [];
const wake = new EventEmitter();

exports.handled = 0;
exports.push = (message) => { queue.push(message); wake.emit('message'); };

const log = () => (context.getStore() ? context.getStore().id : '-');

async function handle(message) {
  await null;
  log();
  exports.handled++;
  return message.body.length;
}

exports.start = async () => {
  for (;;) {
    while (queue.length) {
      const message = queue.shift();
      await context.run({ id: message.id, attributes: { topic: message.topic }, parent: context.getStore() }, handle, message);
    }
    await once(wake, 'message');
  }
};
