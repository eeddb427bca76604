'use strict';
const { AsyncLocalStorage } = require('async_hooks');

const requestContext = new AsyncLocalStorage();
const lines = [];

function log(text) {
  const { id } = requestContext.getStore();
  lines.push(`${id} ${text}`);
  if (lines.length > 500) lines.splice(0, 250);
}

async function query(sql) {
  await new Promise((resolve) => setTimeout(resolve, 1));
  log(sql);
  return [{ n: 1 }];
}

exports.handle = (id) => requestContext.run({ id, startedAt: Date.now(), user: { name: 'u' + id } }, async () => {
  const rows = await query('select ' + id);
  await Promise.all([query('a'), query('b')]);
  return rows;
});
