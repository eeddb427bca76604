'use strict';

/** What an endpoint answers instead of a result: a status, a code for programs and a text for people. */
class Refusal extends Error {
  constructor(status, code, text, figures) {
    super(text);
    this.status = status;
    this.code = code;
    this.figures = figures;
  }
}

// Codes of snapshots: "not now" is a conflict, "no room" is insufficient storage, the rest is ours.
const STATUS_BY_CODE = Object.freeze({
  busy: 409,
  cooldown: 409,
  'too-near-limit': 409,
  memory: 507,
  disk: 507,
  'disk-full': 507,
  unsupported: 501,
});

/** `{status, body}` of an error. */
function describeRefusal(error) {
  const { code = 'failed', message: text, figures } = error;
  const status = error instanceof Refusal ? error.status : STATUS_BY_CODE[code] ?? 500;
  return { status, body: { error: { code, text, ...(figures ? { figures } : {}) } } };
}

module.exports = { Refusal, describeRefusal };
