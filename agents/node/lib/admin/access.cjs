'use strict';

const { createHash, timingSafeEqual } = require('node:crypto');

const MIN_TOKEN_LENGTH = 16;

/** The one place where the agent throws into a program: endpoints like these may not be open by an oversight. */
function checkOptions({ authorize, token }) {
  if (authorize === undefined && token === undefined) {
    throw new TypeError(
      'heapsleuth.admin: expected authorize(request), which says who may, or a token; without either the endpoints ' +
        'would be open to everybody',
    );
  }
  if (authorize !== undefined && typeof authorize !== 'function') {
    throw new TypeError(`heapsleuth.admin: expected authorize to be a function, got ${typeof authorize}`);
  }
  if (token !== undefined && !(typeof token === 'string' && token.length >= MIN_TOKEN_LENGTH)) {
    // Its length only: this text goes to logs.
    const got = typeof token === 'string' ? `one of ${token.length}` : typeof token;
    throw new TypeError(`heapsleuth.admin: expected a token of at least ${MIN_TOKEN_LENGTH} characters, got ${got}`);
  }
}

const digest = (text) => createHash('sha256').update(text).digest();

/** Whether a request bears the token; takes as long for a wrong one as for the right one. */
function bears(request, token) {
  const [, given] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

/**
 * Whether a browser sends this on behalf of another site, with the user's cookies. A token is in no browser's
 * keeping, so this is asked only without one.
 */
function isCrossSite({ headers }) {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  if (headers.origin === undefined) return false;
  try {
    return new URL(headers.origin).host !== (headers.host ?? headers[':authority']);
  } catch {
    return true;
  }
}

const allowed = (actor) => ({ status: 200, actor });
const refused = (status, code, text) => ({ status, code, text, actor: null });

/**
 * Returns `decide(request, subject)`, which resolves to `{status: 200, actor}` or to `{status, code, text}`; it
 * never rejects. `subject` is what `authorize` is given: the framework's own request. Only `true`, a name or
 * `{actor: name}` lets in: a forgotten `return`, or a middleware's result, does not.
 */
function accessRule({ authorize, token }, guard) {
  return async (request, subject) => {
    if (token !== undefined && !bears(request, token)) {
      return refused(401, 'no-token', 'expected the header "authorization: Bearer TOKEN" with the right token');
    }
    if (authorize === undefined) return allowed('token');
    const changes = request.method !== 'GET' && request.method !== 'HEAD';
    if (token === undefined && changes && isCrossSite(request)) {
      return refused(403, 'cross-site', 'refused: sent by the page of another site');
    }
    try {
      const answer = await authorize(subject);
      if (answer === true) return allowed(token === undefined ? null : 'token');
      if (typeof answer === 'string' && answer !== '') return allowed(answer);
      if (typeof answer?.actor === 'string') return allowed(answer.actor);
    } catch (error) {
      guard.record(error);
    }
    return refused(403, 'forbidden', 'refused by authorize');
  };
}

module.exports = { accessRule, checkOptions };
