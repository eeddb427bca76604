'use strict';

const TTL_MS = 150;

class Session {
  constructor(id, user) {
    this.id = id;
    this.user = user;
    this.cart = [];
    this.timer = null;
  }
}

class SessionStore {
  constructor() {
    this.sessions = Object.create(null);
  }

  open(id, user) {
    const session = new Session(id, user);
    this.sessions[id] = session;
    session.timer = setTimeout(() => this.expire(id), TTL_MS);
    return session;
  }

  touch(id) {
    const session = this.sessions[id];
    if (!session) return null;
    clearTimeout(session.timer);
    session.timer = null;
    return session;
  }

  expire(id) {
    delete this.sessions[id];
  }
}

module.exports = new SessionStore();
