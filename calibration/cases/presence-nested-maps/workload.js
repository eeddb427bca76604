'use strict';
const path = require('path');
const { Presence } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'presence.js'));
const presence = new Presence();
let seq = 0;
exports.params = { warmup: 300, k: 800 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    const user = 'u' + seq++;
    const room = 'room-' + (seq % 6);
    presence.enter(room, user, 'web');
    presence.leave(room, user, 'web');
  }
};
exports.probe = () => [...presence.rooms.values()].reduce((n, users) => n + users.size, 0);
