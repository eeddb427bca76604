'use strict';

const { serve } = require('../serve.js');

let requests = 0;

serve((url) => {
  requests += 1;
  const body = { path: url.pathname, fields: Array.from({ length: 20 }, (_, field) => `value ${field}`) };
  const size = () => body.fields.length;
  return { size: size() };
});

process.on('SIGINT', () => {
  console.log(`${requests} requests were served`);
  process.exit();
});
