'use strict';
const cluster = require('node:cluster');
const http = require('node:http');
if (cluster.isPrimary) {
  let listening = 0;
  for (let i = 0; i < 4; i += 1) cluster.fork();
  cluster.on('listening', () => { if (++listening === 4) console.log('ready'); });
} else {
  http.createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1');
}
