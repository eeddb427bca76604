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
    const at = this[kPending].findIndex((entry) => entry.id === reply.id);
    if (at < 0) return;
    const [waiting] = this[kPending].splice(at, 1);
    waiting.resolve(reply.result);
  }
}

exports.connect = (send) => new Connection(send);
exports.kPending = kPending;
