'use strict';

const { serve } = require('../serve.js');

class Session {
  constructor(user) {
    this.user = user;
    this.rights = ['read', 'write', `own:${user}`];
    this.history = new Array(50).fill(user);
  }

  refresh() {
    this.refreshedAt = Date.now();
  }
}

let logins = 0;

serve(() => {
  logins += 1;
  const session = new Session(`user-${logins}`);
  const timer = setInterval(() => session.refresh(), 60_000);
  try {
    return { user: session.user };
  } finally {
    clearInterval(timer);
  }
});
