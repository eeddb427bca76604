'use strict';

const { wall } = require('../clock.cjs');
const { accessRule } = require('./access.cjs');
const { auditLog } = require('./audit.cjs');
const { deleteSnapshot, listSnapshots, sendSnapshot } = require('./files.cjs');
const { forceCollection } = require('./gc.cjs');
const { listHandles } = require('./handles.cjs');
const { readMemory } = require('./memory.cjs');
const { Refusal, describeRefusal } = require('./refusal.cjs');
const { takeSnapshot } = require('./snapshot.cjs');

/** Path below the prefix → method → [name in the audit log, what it does]. HEAD is GET without a body. */
const ROUTES = Object.freeze([
  [/^\/memory$/, { GET: ['memory', readMemory] }],
  [/^\/gc$/, { POST: ['gc', forceCollection] }],
  [/^\/handles$/, { GET: ['handles', listHandles] }],
  [/^\/heap-snapshot$/, { POST: ['snapshot', takeSnapshot] }],
  [/^\/heap-snapshots$/, { GET: ['list', listSnapshots] }],
  [/^\/heap-snapshots\/([^/]+)$/, { GET: ['download', sendSnapshot], DELETE: ['delete', deleteSnapshot] }],
]);

const SECURITY_HEADERS = Object.freeze({
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
});

function methodOf({ method }) {
  return method === 'HEAD' ? 'GET' : method;
}

/** `{action, act, name}` of a request, or a Refusal. */
function routeOf(request, path) {
  for (const [pattern, methods] of ROUTES) {
    const match = pattern.exec(path);
    if (!match) continue;
    const method = methodOf(request);
    if (!Object.hasOwn(methods, method)) {
      const allow = Object.keys(methods).flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one])).join(', ');
      return Object.assign(new Refusal(405, 'wrong-method', `expected ${allow}, got ${request.method}`), { allow });
    }
    const [action, act] = methods[method];
    return { action, act, name: match[1] === undefined ? undefined : decode(match[1]) };
  }
  return new Refusal(404, 'not-found', 'there is nothing here');
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

/** Answers one request after another for a mounted router; nothing gets out of it but answers. */
class Router {
  #options;
  #guard;
  #decide;
  #record;

  constructor(options, guard) {
    this.#options = options;
    this.#guard = guard;
    this.#decide = accessRule(options, guard);
    this.#record = auditLog(options.audit, guard);
  }

  /** `path` is the part behind the prefix; `subject` what `authorize` is asked about. */
  async handle({ request, response, path, subject }) {
    // Who may not be here does not learn what there is; the log does.
    const route = routeOf(request, path);
    const access = await this.#decide(request, subject);
    let outcome;
    try {
      outcome = await this.#outcomeOf(access, route, { request, response });
    } catch (error) {
      if (!(error instanceof Refusal)) this.#guard.record(error);
      outcome = describeRefusal(error);
    }
    this.#guard.run(() => send(request, response, outcome));
    this.#record({
      at: new Date(wall()).toISOString(),
      action: route.action ?? 'none',
      actor: access.actor,
      method: request.method,
      path,
      remote: request.socket?.remoteAddress ?? null,
      status: outcome.status,
      ...(outcome.body?.error ? { code: outcome.body.error.code } : {}),
      ...outcome.detail,
    });
  }

  async #outcomeOf(access, route, exchange) {
    if (access.status !== 200) {
      const challenge = access.status === 401 ? { 'www-authenticate': 'Bearer realm="heapsleuth"' } : {};
      return { ...describeRefusal(new Refusal(access.status, access.code, access.text)), headers: challenge };
    }
    if (route instanceof Refusal) return { ...describeRefusal(route), headers: route.allow ? { allow: route.allow } : {} };
    return route.act({ ...this.#options, ...exchange, name: route.name, headers: SECURITY_HEADERS });
  }
}

function send(request, response, { status, body, headers = {}, sent = false }) {
  if (sent) return;
  if (response.headersSent) {
    // A download that broke off: ending it would look like a complete file.
    response.destroy();
    return;
  }
  const text = body === undefined ? '' : `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    ...(text ? { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) } : {}),
    ...headers,
  });
  response.end(request.method === 'HEAD' ? '' : text);
}

module.exports = { ROUTES, Router };
