'use strict';

class Peer {
  constructor(id) {
    this.id = id;
    this.misses = 0;
    this.log = [];
    this.timer = setTimeout(() => this.missed(), 5000);
    this.timer.unref();
  }

  beat(at) {
    this.timer.refresh();
    this.log.push({ at, misses: this.misses });
    if (this.log.length > 20) this.log.shift();
  }

  missed() {
    this.misses++;
    this.timer.refresh();
  }
}

const peers = new Map();
exports.beat = (id, at) => {
  if (!peers.has(id)) peers.set(id, new Peer(id));
  peers.get(id).beat(at);
};
exports.count = () => peers.size;
