'use strict';

// `load.cjs PORT REQUESTS CONNECTIONS`: as many keep-alive requests as said, one at a time per connection.
const net = require('node:net');

const [port, requests, connections] = process.argv.slice(2).map(Number);
const REQUEST = 'GET /items?page=3 HTTP/1.1\r\nHost: localhost\r\n\r\n';
let left = requests;
let open = connections;

function connect() {
  const socket = net.connect(port, '127.0.0.1');
  let text = '';
  const send = () => {
    if (left === 0) {
      socket.end();
      open -= 1;
      if (open === 0) process.exit(0);
      return;
    }
    left -= 1;
    socket.write(REQUEST);
  };
  socket.setNoDelay(true).setEncoding('latin1');
  socket.on('connect', send);
  socket.on('error', (error) => { throw error; });
  socket.on('data', (chunk) => {
    text += chunk;
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = /content-length: (\d+)/i.exec(text);
    if (length && text.length >= end + 4 + Number(length[1])) {
      if (!text.startsWith('HTTP/1.1 200')) throw new Error(text.slice(0, 100));
      text = '';
      send();
    }
  });
}

for (let i = 0; i < connections; i += 1) connect();
