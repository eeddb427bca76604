'use strict';

const http = require('node:http');
const { orderById } = require('./orders.js');

const routes = {
  '/health': () => ({ ok: true }),
  '/order': (query) => orderById(query.get('id')),
};

const server = http.createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const route = routes[pathname];
  response.writeHead(route ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(route ? route(searchParams) : { error: 'not found' }));
});

server.listen(process.env.PORT || 0, '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`);
});
