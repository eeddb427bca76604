'use strict';
const path = require('path');
const { connect, kPending } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'connection.js'));
const conn = connect((message, reply) => setImmediate(reply, { id: message.id, result: message.params.n + 1 }));
exports.params = { warmup: 100, k: 400 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) await conn.request('add', { n: i }); };
exports.probe = () => conn[kPending].length;
