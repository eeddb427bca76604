'use strict';
const { LruCache } = require('./cache');

const thumbnails = new LruCache(250);

function render(id) {
  return { id, width: 64 + (id % 7), height: 48, etag: `W/"${id.toString(36)}"` };
}

exports.thumbnail = function thumbnail(id) {
  const key = `thumb:${id}`;
  let found = thumbnails.get(key);
  if (!found) {
    found = render(id);
    thumbnails.set(key, found);
  }
  return found;
};
