'use strict';

const express = require('express');
const { orderById } = require('./orders.js');

const app = express();
app.get('/health', (request, response) => response.json({ ok: true }));
app.get('/order', (request, response) => response.json(orderById(request.query.id)));

const server = app.listen(process.env.PORT || 0, '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`);
});
