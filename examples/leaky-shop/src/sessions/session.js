'use strict';

const REFRESH_MS = 60_000;

class Session {
  constructor(user) {
    this.user = user;
    this.token = Buffer.alloc(2048, user);
    this.seen = Date.now();
  }

  refresh() {
    this.seen = Date.now();
  }
}

function openSession(user) {
  const session = new Session(user);
  const timer = setInterval(function refreshSession() {
    session.refresh();
  }, REFRESH_MS);
  timer.unref();
  return { user: session.user };
}

module.exports = { openSession };
