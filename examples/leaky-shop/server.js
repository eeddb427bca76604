'use strict';

const http = require('node:http');
const { handleRequest } = require('./src/router');

const server = http.createServer((request, response) => {
  handleRequest(request, response).catch((error) => {
    response.statusCode = 500;
    response.end(JSON.stringify({ error: error.message }));
  });
});

server.listen(Number(process.env.PORT || 0), '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`);
});

process.on('SIGTERM', () => process.exit(0));
