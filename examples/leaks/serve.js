'use strict';

const http = require('node:http');

/** Serves `answer(url)` as JSON on the port in PORT, or on any; prints which. */
function serve(answer) {
  const server = http.createServer(async (request, response) => {
    try {
      const body = await answer(new URL(request.url, 'http://localhost'));
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    } catch (error) {
      response.writeHead(500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: error.message }));
    }
  });
  server.listen(process.env.PORT || 0, '127.0.0.1', () => {
    console.log(`listening on ${server.address().port}`);
  });
}

module.exports = { serve };
