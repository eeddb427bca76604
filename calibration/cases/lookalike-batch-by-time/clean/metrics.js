'use strict';
const FLUSH_MS = 4000;
let buffer = [];
let flushed = 0;

const timer = setInterval(() => {
  const points = buffer;
  buffer = [];
  flushed += points.length;
}, FLUSH_MS);
timer.unref();

exports.timing = (name, ms, tags) => { buffer.push({ name, ms, tags: tags.join(','), at: Date.now() }); };
exports.state = () => ({ waiting: buffer.length, flushed });
