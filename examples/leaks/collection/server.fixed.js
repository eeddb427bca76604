'use strict';

const { serve } = require('../serve.js');

const MAX_ENTRIES = 200;

class AuditEntry {
  constructor(path) {
    this.path = path;
    this.at = new Date();
    this.details = { agent: 'none', steps: ['received', 'checked', 'answered'] };
  }
}

const auditTrail = [];

serve((url) => {
  auditTrail.push(new AuditEntry(url.pathname));
  if (auditTrail.length > MAX_ENTRIES) auditTrail.shift();
  return { ok: true };
});
