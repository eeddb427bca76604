'use strict';
const crypto = require('crypto');

const cursors = new Map();

function* pages(rows, size) {
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size);
}

exports.open = function (rows, size = 5) {
  const token = crypto.randomBytes(6).toString('hex');
  const it = pages(rows, size);
  const first = it.next();
  cursors.set(token, it);
  return { token, page: first.value };
};

exports.next = function (token) {
  const it = cursors.get(token);
  if (!it) return null;
  const { value, done } = it.next();
  if (done) cursors.delete(token);
  return done ? null : value;
};

exports.open_count = () => cursors.size;
