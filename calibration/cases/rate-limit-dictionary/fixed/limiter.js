'use strict';

const WINDOW_MS = 100;
const LIMIT = 20;
const hits = {};

setInterval(() => {
  const now = Date.now();
  for (const ip in hits) if (hits[ip].resetAt <= now) delete hits[ip];
}, WINDOW_MS).unref();

module.exports = function rateLimit(req) {
  const now = Date.now();
  const ip = req.ip;
  if (!hits[ip] || hits[ip].resetAt <= now) {
    hits[ip] = { count: 0, resetAt: now + WINDOW_MS };
  }
  hits[ip].count++;
  return hits[ip].count <= LIMIT;
};
