'use strict';
// Each stage wraps the one before, so that plugins can add behaviour at run time.
let onSend = (message) => message.length;

exports.use = (wrap) => { onSend = wrap(onSend); };
exports.send = (message) => onSend(message);

exports.handle = (request) => {
  const locale = { lang: request.lang, seen: [request.id] };
  const before = onSend;
  exports.use((next) => (message) => {
    if (message.startsWith(locale.lang)) locale.seen.length = 0;
    return next === exports.send ? 0 : message.length;
  });
  try {
    return exports.send(request.lang + ':' + request.id);
  } finally {
    onSend = before;
  }
};
