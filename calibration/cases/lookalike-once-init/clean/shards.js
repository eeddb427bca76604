'use strict';

function once(fn) {
  let result;
  let done = false;
  return (...args) => {
    if (!done) {
      done = true;
      result = fn(...args);
    }
    return result;
  };
}

const shards = Array.from({ length: 500 }, (_, n) => once(async () => {
  await null;
  return { n, ranges: Array.from({ length: 16 }, (_, i) => ({ from: n * 16 + i, to: n * 16 + i + 1 })) };
}));

exports.lookup = async (key) => {
  const shard = await shards[key % shards.length]();
  return shard.ranges.find((range) => range.from <= key && key < range.to) || null;
};
