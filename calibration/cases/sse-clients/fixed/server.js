'use strict';
const http = require('http');

const clients = new Set();

const server = http.createServer((req, res) => {
  if (req.url !== '/events') {
    res.writeHead(404).end();
    return;
  }
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  res.write('retry: 1000\n\n');
  clients.add(res);
  res.on('close', () => clients.delete(res));
});

exports.broadcast = (event) => {
  for (const res of clients) if (!res.destroyed) res.write(`data: ${JSON.stringify(event)}\n\n`);
};
exports.clients = clients;
exports.server = server;
