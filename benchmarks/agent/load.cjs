'use strict';

// `load.cjs PORT …`: a line `INDEX REQUESTS` on standard input has that server (from 0) answer so many
// requests, one at a time on each of 8 connections that are kept, and is answered with `done`.
const net = require('node:net');
const readline = require('node:readline');

const CONNECTIONS = 8;
const REQUEST = 'GET /items?page=3 HTTP/1.1\r\nHost: localhost\r\n\r\n';

function open(port) {
  const idle = [];
  let left = 0;
  let underWay = 0;
  const next = (send) => {
    if (left > 0) {
      left -= 1;
      underWay += 1;
      send();
    } else {
      idle.push(send);
      if (underWay === 0 && idle.length === CONNECTIONS) console.log('done');
    }
  };
  for (let i = 0; i < CONNECTIONS; i += 1) {
    const socket = net.connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1');
    let text = '';
    socket.on('connect', () => idle.push(() => socket.write(REQUEST)));
    socket.on('data', (chunk) => {
      text += chunk;
      const end = text.indexOf('\r\n\r\n');
      const length = /content-length: (\d+)/i.exec(text);
      if (end < 0 || text.length < end + 4 + Number(length[1])) return;
      if (!text.startsWith('HTTP/1.1 200')) throw new Error(text.slice(0, 100));
      text = '';
      underWay -= 1;
      next(() => socket.write(REQUEST));
    });
  }
  return (requests) => {
    left = requests;
    for (const send of idle.splice(0)) next(send);
  };
}

const servers = process.argv.slice(2).map((port) => open(Number(port)));
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [index, requests] = line.split(' ').map(Number);
  servers[index](requests);
});
