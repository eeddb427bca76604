'use strict';

const { productPage } = require('./catalog/pages');
const { quote } = require('./cache/quotes');
const { placeOrder } = require('./orders/handler');
const { openSession } = require('./sessions/session');
const { taxRules } = require('./settings/tax-rules');

const routes = {
  'GET /product': (query) => productPage(query.get('id')),
  'GET /quote': (query) => quote(query.get('basket'), taxRules()),
  'POST /order': (query) => placeOrder(query.get('basket'), query.get('pay')),
  'POST /login': (query) => openSession(query.get('user')),
};

async function handleRequest(request, response) {
  const url = new URL(request.url, 'http://shop.invalid');
  const route = routes[`${request.method} ${url.pathname}`];
  if (!route) {
    response.statusCode = 404;
    response.end('{}');
    return;
  }
  const body = await route(url.searchParams);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}

module.exports = { handleRequest };
