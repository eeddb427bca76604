'use strict';
const path = require('path');
const { AuditLog } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'audit.js'));
// One login in fifty is odd.
let tick = 0;
const log = new AuditLog(() => tick);
exports.params = { warmup: 8000, k: 10000 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    tick++;
    log.login('user' + (tick % 97), '10.0.' + (tick % 200) + '.' + (tick % 251), tick % 50 === 0 ? 3 + (tick % 4) : 0);
  }
};
exports.probe = () => AuditLog.suspicious.length;
