'use strict';

const fs = require('node:fs');

// Looking is not worth a line; changing something, and taking data out, is.
const WRITTEN = new Set(['gc', 'snapshot', 'download', 'delete']);

/** Without a log of one's own: a line on standard error. Refused strangers have none, or they could fill the disk. */
function writeLine(entry) {
  if (!WRITTEN.has(entry.action) || entry.status === 401 || entry.status === 403) return;
  fs.writeSync(2, `heapsleuth: admin ${JSON.stringify(entry)}\n`);
}

/** Returns `record(entry)`. `audit`: a function, nothing for standard error, false for none. */
function auditLog(audit, guard) {
  if (audit === false) return () => {};
  const write = typeof audit === 'function' ? audit : writeLine;
  return (entry) => guard.run(() => {
    const result = write(Object.freeze(entry));
    if (typeof result?.then === 'function') result.then(undefined, (error) => guard.record(error));
  });
}

module.exports = { auditLog };
