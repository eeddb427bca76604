'use strict';

const { serve } = require('../serve.js');

class AuditEntry {
  constructor(path) {
    this.path = path;
    this.at = new Date();
    this.details = { agent: 'none', steps: ['received', 'checked', 'answered'] };
  }
}

// "For debugging": nobody ever reads it, and nothing ever leaves it.
const auditTrail = [];

serve((url) => {
  auditTrail.push(new AuditEntry(url.pathname));
  return { ok: true };
});
