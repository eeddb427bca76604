'use strict';

const { randomBytes } = require('node:crypto');
const { serve } = require('../serve.js');

const UPLOAD_BYTES = 16 * 1024;
const CHECKSUM_BYTES = 16;

// 16 bytes each, it seems; but a slice keeps the whole upload alive.
const checksums = [];

serve(() => {
  const upload = Buffer.alloc(UPLOAD_BYTES, randomBytes(CHECKSUM_BYTES));
  checksums.push(upload.subarray(0, CHECKSUM_BYTES));
  return { bytes: upload.length };
});
