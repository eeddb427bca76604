'use strict';

const path = require('node:path');
const { fileURLToPath } = require('node:url');

const OWN = path.join(__dirname, '..') + path.sep;

/** A script's address as people write it: relative to the working directory where it is below that. */
function shortFile(url) {
  if (!url) return '';
  const file = url.startsWith('file://') ? fileURLToPath(url) : url;
  const relative = path.relative(process.cwd(), file);
  return (path.isAbsolute(file) && !relative.startsWith('..') ? relative : file).slice(0, 300);
}

/** `file:line` of the first caller that is neither Node nor the agent, or null. */
function callerOutside() {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 20;
    Error.prepareStackTrace = (_error, frames) => frames;
    const frames = new Error().stack;
    for (const frame of frames) {
      const file = frame.getFileName();
      if (!file || file.startsWith('node:') || file.startsWith(OWN)) continue;
      return `${shortFile(file)}:${frame.getLineNumber()}`;
    }
    return null;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  }
}

module.exports = { callerOutside, shortFile };
