'use strict';

const { serve } = require('../serve.js');

const shutdownHooks = [];
let requests = 0;

serve((url) => {
  requests += 1;
  const number = requests;
  const body = { path: url.pathname, fields: Array.from({ length: 20 }, (_, field) => `value ${field}`) };
  const size = () => body.fields.length;
  // Uses the number only, but keeps the scope of its neighbour, and `body` with it.
  shutdownHooks.push(() => console.log(`request ${number} was served`));
  return { size: size() };
});

process.on('SIGINT', () => {
  for (const hook of shutdownHooks) hook();
  process.exit();
});
