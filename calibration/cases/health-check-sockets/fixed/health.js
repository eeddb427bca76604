'use strict';
const net = require('net');

// Opens a connection and waits for the greeting.
exports.check = (port) =>
  new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.setEncoding('utf8');
    socket.once('error', reject);
    socket.once('data', (greeting) => {
      socket.destroy();
      resolve(greeting.trim() === 'ready');
    });
  });
