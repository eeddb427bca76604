'use strict';
const { LRUCache } = require('lru-cache');

const cache = new LRUCache({ max: 4000, ttl: 1000 * 60 * 10 });

exports.profile = async (id) => {
  const key = `profile/${id}`;
  if (cache.has(key)) return cache.get(key);
  const profile = await Promise.resolve({ id, name: 'n' + id, settings: { theme: 'dark', size: id % 5 } });
  cache.set(key, profile);
  return profile;
};
exports.size = () => cache.size;
