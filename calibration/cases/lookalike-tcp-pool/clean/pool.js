'use strict';
const net = require('net');
const { EventEmitter } = require('events');

class Pool extends EventEmitter {
  constructor(port, max = 25) {
    super();
    this.port = port;
    this.max = max;
    this.all = [];
    this.free = [];
    this.queue = [];
  }

  async connection() {
    if (this.free.length > 0) return this.free.shift();
    if (this.all.length < this.max) {
      const socket = net.connect(this.port, '127.0.0.1');
      this.all.push(socket);
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
      socket.removeAllListeners('error').on('error', () => this.drop(socket));
      return socket;
    }
    return new Promise((resolve) => this.queue.push(resolve));
  }

  done(socket) {
    const next = this.queue.shift();
    if (next) next(socket);
    else this.free.push(socket);
  }

  drop(socket) {
    this.all = this.all.filter((other) => other !== socket);
    this.free = this.free.filter((other) => other !== socket);
  }

  async ask(text) {
    const socket = await this.connection();
    try {
      const answer = new Promise((resolve) => socket.once('data', resolve));
      socket.write(text + '\n');
      return String(await answer).trim();
    } finally {
      this.done(socket);
    }
  }

  close() { for (const socket of this.all) socket.destroy(); }
}

module.exports = { Pool };
