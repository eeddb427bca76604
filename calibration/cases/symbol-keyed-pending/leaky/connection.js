'use strict';
const kPending = Symbol('pending');
const kSeq = Symbol('seq');

class Connection {
  constructor(send) {
    this.send = send;
    this[kSeq] = 0;
    this[kPending] = [];
  }

  request(method, params) {
    const id = ++this[kSeq];
    return new Promise((resolve) => {
      this[kPending].push({ id, method, resolve });
      this.send({ id, method, params }, (reply) => this.receive(reply));
    });
  }

  receive(reply) {
    const waiting = this[kPending].find((entry) => entry.id === reply.id);
    if (waiting) waiting.resolve(reply.result);
  }
}

exports.connect = (send) => new Connection(send);
exports.kPending = kPending;
