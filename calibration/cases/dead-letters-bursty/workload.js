'use strict';
const path = require('path');
const { createConsumer } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'consumer.js'));
// The receiving end is away for 200 messages out of every 2300: about two rounds.
const consumer = createConsumer();
let seq = 0;
exports.params = { warmup: 300, k: 1000 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    const id = seq++;
    await consumer.deliver({ id, body: { order: id, lines: ['a', 'b', 'c' + id] } }, async () => {
      if (id % 2300 < 200) throw new Error('connection refused (' + id + ')');
    });
  }
};
exports.probe = () => consumer.failed;
