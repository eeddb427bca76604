'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'otp.js'));
let seq = 0;
exports.params = { warmup: 100, k: 300 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    const phone = '+49170' + seq++;
    const code = app.send(phone);
    if (seq % 2) app.check(phone, code);
  }
};
exports.probe = () => app.size();
