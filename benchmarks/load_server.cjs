'use strict'
// The cheapest server there is: a fixed answer per packet. What is measured is the generator.
const net = require('node:net')

const answer = Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok')
const server = net.createServer({ noDelay: true }, socket => {
  socket.on('data', () => socket.write(answer)).on('error', () => {})
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.on('end', () => process.exit()).resume()
