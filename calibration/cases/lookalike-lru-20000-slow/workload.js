'use strict';
const path = require('path');
const { DnsCache } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'dns.js'));
const cache = new DnsCache();
let seq = 0;
// About 6,000 hosts in a run; the bound is never met.
exports.params = { warmup: 100, k: 400 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) cache.resolve('host-' + seq++ + '.example'); };
exports.probe = () => cache.size;
