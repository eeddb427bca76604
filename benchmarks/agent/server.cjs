'use strict';

// A server to measure: `hello` answers at once, `api` does what a small JSON service does per request.
// A line on standard input is answered with the CPU time and memory used so far.
const http = require('node:http');

const ITEMS = Array.from({ length: 200 }, (_, id) => ({
  id, name: `item ${id}`, price: (id * 37) % 101, tags: ['new', `group${id % 7}`], stock: id % 13,
}));

function api(request, response) {
  const offset = request.url.length + (process.uptime() | 0);
  const page = ITEMS.slice(offset % 100, (offset % 100) + 24);
  const shown = page.filter((item) => item.stock > 1).map((item) => ({ ...item, total: item.price * item.stock }));
  shown.sort((a, b) => b.total - a.total || a.name.localeCompare(b.name));
  const body = JSON.stringify({ page: offset, items: JSON.parse(JSON.stringify(shown)) });
  response.setHeader('content-type', 'application/json');
  response.end(body);
}

const HANDLERS = { hello: (_request, response) => response.end('hello'), api };

const server = http.createServer(HANDLERS[process.argv[2]]).listen(0, '127.0.0.1', () => {
  console.log(server.address().port);
});
process.stdin.on('data', () => {
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ cpu_us: user + system, rss_bytes: process.memoryUsage.rss() }));
});
