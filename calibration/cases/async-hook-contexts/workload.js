'use strict';
const path = require('path');
const trace = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'trace.js'));
let seq = 0;
exports.params = { warmup: 100, k: 300 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    await new Promise((done) => {
      trace.run({ id: seq++, url: '/a/' + seq }, () => {
        setImmediate(() => {
          const ctx = trace.current();
          if (ctx) ctx.spans.push('db');
          done();
        });
      });
    });
  }
};
exports.probe = () => trace.size();
