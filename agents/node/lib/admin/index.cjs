'use strict';

const path = require('node:path');

const { Guard } = require('../errors.cjs');
const { readOptions } = require('../options.cjs');
const { current } = require('../state.cjs');
const { checkOptions } = require('./access.cjs');
const { Refusal, describeRefusal } = require('./refusal.cjs');
const { Router } = require('./router.cjs');

const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];

const pathOf = (url) => url.split(/[?#]/, 1)[0];

/** The part of a path behind the prefix, or null when it is not below it. */
function below(prefix, whole) {
  if (!whole.startsWith(prefix)) return null;
  const rest = whole.slice(prefix.length);
  return rest === '' || rest.startsWith('/') ? rest : null;
}

/** Answers that nothing is there; for what is asked of a server that is this router and nothing else. */
function answerNotFound(response) {
  const { status, body } = describeRefusal(new Refusal(404, 'not-found', 'there is nothing here'));
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(`${JSON.stringify(body)}\n`);
}

/**
 * Mounts nothing by itself: returns a handler `(request, response, next)` for http, Express and Nest, with
 * `matches(request)`, and the same as `fastify` (a plugin) and `koa` (a middleware).
 * Throws a TypeError without `authorize` or a good `token`.
 */
function admin(options = {}) {
  checkOptions(options);
  const { prefix = '/diagnostics', dir, audit, profile, cooldownMs, authorize, token } = options;
  const guard = current()?.guard ?? new Guard();
  const router = new Router({
    authorize,
    token,
    audit,
    profile,
    cooldownMs,
    dir: path.resolve(dir ?? current()?.options.snapshotDir ?? readOptions(process.env).snapshotDir),
  }, guard);

  function handler(request, response, next) {
    const rest = below(prefix, pathOf(request.url));
    if (rest !== null) return router.handle({ request, response, path: rest, subject: request });
    return typeof next === 'function' ? next() : answerNotFound(response);
  }

  handler.matches = (request) => below(prefix, pathOf(request.url)) !== null;

  handler.koa = async (context, next) => {
    const rest = below(prefix, context.path);
    if (rest === null) return next();
    // Koa would answer itself afterwards.
    context.respond = false;
    return router.handle({ request: context.req, response: context.res, path: rest, subject: context });
  };

  handler.fastify = async (instance) => {
    // Before a body is read: there is nothing in it, and what cannot be parsed would be refused in our place.
    const onRequest = async (request, reply) => {
      reply.hijack();
      const rest = below(instance.prefix + prefix, pathOf(request.raw.url));
      await router.handle({ request: request.raw, response: reply.raw, path: rest ?? '', subject: request });
    };
    instance.route({
      method: METHODS, url: `${prefix}/*`, exposeHeadRoute: false, onRequest, handler: async () => {},
    });
  };

  return handler;
}

module.exports = { admin };
