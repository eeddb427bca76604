'use strict';

const TTL = 1500;
const SWEEP_EVERY = 400;

class TokenStore {
  constructor() {
    this.tokens = new Map();
    this.sweeper = setInterval(() => this.sweep(), SWEEP_EVERY);
    this.sweeper.unref();
  }

  issue(user) {
    const token = `${user}.${Math.random().toString(36).slice(2)}`;
    this.tokens.set(token, { user, scopes: ['read'], expires: Date.now() + TTL });
    return token;
  }

  verify(token) {
    const found = this.tokens.get(token);
    return Boolean(found) && found.expires > Date.now();
  }

  sweep(now = Date.now()) {
    for (const [token, { expires }] of this.tokens) {
      if (expires <= now) this.tokens.delete(token);
    }
  }
}

module.exports = new TokenStore();
