'use strict';
const path = require('path');
const { watch } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'poller.js'));
exports.params = { warmup: 100, k: 250 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    const order = { id: i, status: () => 'delivered' };
    watch(order, (status) => { order.last = status; });
  }
};
