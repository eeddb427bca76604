'use strict'
// What a load generator can meet. Every request is kept for /__log, except those to the paths with __.
// Ends by itself: when its parent closes its input, and after two minutes.
const fs = require('node:fs')
const http = require('node:http')
const https = require('node:https')

const seen = []
let stallsLeft = 1

function block (ms) {
  const end = Date.now() + ms
  while (Date.now() < end);
}

const answers = {
  '/hello': (req, res) => res.end('hello'),
  '/slow': (req, res, query) => setTimeout(() => res.end('slow'), Number(query.get('ms'))),
  '/500': (req, res) => { res.statusCode = 500; res.end('no') },
  '/204': (req, res) => { res.statusCode = 204; res.end() },
  '/close': (req, res) => { res.setHeader('Connection', 'close'); res.end('bye') },
  '/chunked': (req, res) => { res.write('a'.repeat(1000)); setImmediate(() => { res.write('b'); res.end('c') }) },
  '/large': (req, res) => res.end(Buffer.alloc(300000, 'x')),
  '/hints': (req, res) => { res.writeEarlyHints({ link: '</a.css>; rel=preload' }); res.end('hello') },
  '/drop': (req, res) => res.socket.destroy(),
  '/drop-some': (req, res) => seen.length % 5 ? res.end('hello') : res.socket.destroy(),
  '/never': () => {},
  '/cut': (req, res) => { res.writeHead(200, { 'Content-Length': 100 }); res.write('x'); setTimeout(() => res.socket.destroy(), 5) },
  '/too-long': (req, res) => res.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more'),
  '/too-short': (req, res) => res.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok'),
  '/rubbish': (req, res) => res.socket.write('SSH-2.0-OpenSSH_9.2\r\n'),
  '/until-closed': (req, res) => {
    res.socket.write('HTTP/1.1 200 OK\r\n\r\nsome')
    setTimeout(() => res.socket.end(' more'), 5)
  },
  '/stall-once': (req, res) => { if (seen.length === 20 && stallsLeft-- > 0) block(500); res.end('hello') },
  '/__log': (req, res) => res.end(JSON.stringify(seen)),
  '/__reset': (req, res) => { seen.length = 0; stallsLeft = 1; res.end() }
}

function handle (req, res) {
  const [path, query] = req.url.split('?')
  const at = Date.now()
  const pieces = []
  req.on('data', piece => pieces.push(piece))
  req.on('end', () => {
    if (!path.startsWith('/__')) {
      const { remotePort } = req.socket
      seen.push({ at, method: req.method, url: req.url, headers: req.headers, body: Buffer.concat(pieces).toString(), remotePort })
    }
    const answer = answers[path] || answers['/hello']
    answer(req, res, new URLSearchParams(query))
  })
}

const [certificate, key] = process.argv.slice(2)
const server = certificate
  ? https.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) }, handle)
  : http.createServer(handle)
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.on('end', () => process.exit()).resume()
setTimeout(() => process.exit(), 120000).unref()
