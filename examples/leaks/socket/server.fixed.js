'use strict';

const net = require('node:net');
const { once } = require('node:events');
const { serve } = require('../serve.js');

const CHECK_EVERY = 20;

const upstream = net.createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
let requests = 0;

async function upstreamIsUp() {
  const socket = net.connect(upstream.address().port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}

serve(async () => {
  requests += 1;
  return { up: requests % CHECK_EVERY === 0 ? await upstreamIsUp() : true };
});
