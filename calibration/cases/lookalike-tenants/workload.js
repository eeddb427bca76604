'use strict';
const path = require('path');
const { TenantRegistry } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'tenants.js'));
const registry = new TenantRegistry();
let x = 5;
const random = (n) => (x = (x * 48271) % 2147483647) % n;
// 120 tenants with 30 settings each.
exports.params = { warmup: 200, k: 500 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) { const t = registry.for('tenant-' + random(120)); t.flags.add('f' + (i % 4)); t.setting('s' + random(30)); } };
exports.probe = () => registry.settings;
