'use strict';

function CommitLog() {
  this.entries = [];
  this.latest = new Map();
}

CommitLog.prototype.append = function (key, value) {
  this.entries.push({ key, value, seq: this.entries.length });
  this.latest.set(key, value);
  if (this.entries.length > 20 * this.latest.size + 1000) this.compact();
};

CommitLog.prototype.compact = function () {
  this.entries = [...this.latest].map(([key, value], seq) => ({ key, value, seq }));
};

module.exports = new CommitLog();
