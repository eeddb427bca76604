'use strict';
const path = require('path');
const { pathToFileURL } = require('url');
let avatars, seq = 0;
exports.params = { warmup: 100, k: 260 };
exports.setup = async () => { ({ avatars } = await import(pathToFileURL(path.join(process.env.VARIANT_DIR || process.cwd(), 'avatar-cache.mjs')).href)); };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    const user = 'user-' + seq++;
    if (!avatars.get(user)) avatars.put(user, { url: `/a/${user}.png`, sizes: [16, 32, 64], bytes: 'ab'.repeat(40) + user });
  }
};
exports.probe = () => avatars.size;
