'use strict';
const http = require('http');

const agent = new http.Agent({ keepAlive: true, maxSockets: 40, maxFreeSockets: 40 });

exports.get = (port, path) =>
  new Promise((resolve, reject) => {
    const req = http.get({ host: '127.0.0.1', port, path, agent }, (res) => {
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk));
      res.on('end', () => resolve(Buffer.concat(chunks).toString()));
    });
    req.on('error', reject);
  });
exports.close = () => agent.destroy();
exports.open = () => Object.values(agent.freeSockets).reduce((n, list) => n + list.length, 0);
