'use strict';

const { CONTENT_TYPE } = require('./text.cjs');

/** A handler `(request, response)` that answers with the page of `read()`; it fits http, Express and Nest. */
function metricsHandler(read) {
  return async (request, response) => {
    try {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.writeHead(405, { allow: 'GET, HEAD' }).end();
        return;
      }
      const page = Buffer.from(await read());
      response.writeHead(200, { 'content-type': CONTENT_TYPE, 'content-length': page.length });
      response.end(request.method === 'HEAD' ? undefined : page);
    } catch (error) {
      // A scrape that fails is a gap in a chart, and not a failure of the service.
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { 'content-type': 'text/plain' }).end(`heapsleuth: ${error.message}\n`);
    }
  };
}

module.exports = { metricsHandler };
