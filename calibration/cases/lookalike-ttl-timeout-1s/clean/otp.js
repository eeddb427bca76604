'use strict';
const pending = new Map();

exports.send = (phone) => {
  const code = String(Math.floor(Math.random() * 1e6)).padStart(6, '0');
  const earlier = pending.get(phone);
  if (earlier) clearTimeout(earlier.timer);
  const timer = setTimeout(() => pending.delete(phone), 1000);
  pending.set(phone, { code, timer, tries: 0 });
  return code;
};

exports.check = (phone, code) => {
  const entry = pending.get(phone);
  if (!entry || entry.code !== code) return false;
  clearTimeout(entry.timer);
  pending.delete(phone);
  return true;
};
exports.size = () => pending.size;
