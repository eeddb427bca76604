'use strict';
const http = require('node:http');
http.createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1', function listening() {
  console.log(this.address().port);
});
