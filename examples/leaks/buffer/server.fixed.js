'use strict';

const { randomBytes } = require('node:crypto');
const { serve } = require('../serve.js');

const UPLOAD_BYTES = 16 * 1024;
const CHECKSUM_BYTES = 16;
const MAX_CHECKSUMS = 1000;

const checksums = [];

serve(() => {
  const upload = Buffer.alloc(UPLOAD_BYTES, randomBytes(CHECKSUM_BYTES));
  checksums.push(upload.toString('hex', 0, CHECKSUM_BYTES));
  if (checksums.length > MAX_CHECKSUMS) checksums.shift();
  return { bytes: upload.length };
});
