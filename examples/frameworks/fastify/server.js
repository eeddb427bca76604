'use strict';

const fastify = require('fastify');
const { orderById } = require('./orders.js');

const app = fastify();
app.get('/health', async () => ({ ok: true }));
app.get('/order', async (request) => orderById(request.query.id));

app.listen({ port: Number(process.env.PORT || 0), host: '127.0.0.1' }).then(() => {
  console.log(`listening on ${app.server.address().port}`);
});
