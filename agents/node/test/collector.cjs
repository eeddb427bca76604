'use strict';

const http = require('node:http');

/**
 * A real collector in a few lines: keeps what agents send, hands out commands, and can be told to
 * misbehave by `answer(request, response, body)`.
 */
class Collector {
  messages = [];
  requests = [];
  commands = [];
  inFlight = 0;
  maxInFlight = 0;
  #waiting = new Set();
  #polls = new Set();
  #server;
  #answer;

  constructor(answer = null) {
    this.#answer = answer;
    this.#server = http.createServer((request, response) => this.#take(request, response));
  }

  async listen() {
    await new Promise((resolve) => { this.#server.listen(0, '127.0.0.1', resolve); });
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Hands a command to the next agent that asks. */
  command(command) {
    this.commands.push(command);
    for (const response of this.#polls) this.#handOut(response);
  }

  /** Resolves with the first true result of `find`, which is asked after every message. */
  async until(find, what, ms = 180_000) {
    const begun = Date.now();
    for (;;) {
      const found = find();
      if (found) return found;
      const left = begun + ms - Date.now();
      if (left <= 0) throw new Error(`${what}: not within ${ms} ms; got ${JSON.stringify(this.messages).slice(0, 2000)}`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 100));
        this.#waiting.add(() => { clearTimeout(timer); resolve(); });
      });
    }
  }

  /** The answer to a command. */
  result(id) {
    return this.until(() => this.events.find((event) => event.type === 'command-result' && event.id === id), `result ${id}`);
  }

  get events() {
    return this.messages.flatMap((message) => message.events);
  }

  get samples() {
    return this.messages.flatMap((message) => message.samples);
  }

  #take(request, response) {
    let body = '';
    const isPost = request.method === 'POST';
    if (isPost) this.maxInFlight = Math.max(this.maxInFlight, ++this.inFlight);
    response.on('close', () => { if (isPost) this.inFlight -= 1; });
    request.on('data', (chunk) => { body += chunk; });
    request.on('end', () => {
      this.requests.push({ method: request.method, url: request.url, headers: request.headers, port: request.socket.remotePort, body });
      if (this.#answer?.(request, response, body)) return;
      if (isPost) {
        this.messages.push({ ...JSON.parse(body), instance: decodeURIComponent(request.url.split('/')[3]) });
        this.#handOut(response);
        for (const wake of this.#waiting) wake();
        this.#waiting.clear();
      } else if (this.commands.length > 0) {
        this.#handOut(response);
      } else {
        this.#polls.add(response);
        response.on('close', () => this.#polls.delete(response));
      }
    });
  }

  #handOut(response) {
    response.end(JSON.stringify({ commands: this.commands.splice(0) }));
    this.#polls.delete(response);
  }
}

/** Runs `use` with a collector that is closed afterwards. */
async function withCollector(use, answer) {
  const collector = await new Collector(answer).listen();
  try {
    return await use(collector);
  } finally {
    collector.close();
  }
}

module.exports = { Collector, withCollector };
