'use strict';

function createConsumer({ maxAttempts = 3, keep = 50 } = {}) {
  const deadLetters = [];

  async function deliver(message, handler) {
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      try {
        return await handler(message);
      } catch (error) {
        message.lastError = error.message;
      }
    }
    deadLetters.push(message);
    while (deadLetters.length > keep) deadLetters.shift();
    return undefined;
  }

  return { deliver, get failed() { return deadLetters.length; } };
}

module.exports = { createConsumer };
