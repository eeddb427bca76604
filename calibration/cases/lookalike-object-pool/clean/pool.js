'use strict';

function createPool({ make, max }) {
  const idle = [];
  const waiting = [];
  let made = 0;

  return {
    async acquire() {
      if (idle.length) return idle.pop();
      if (made < max) {
        made++;
        return make(made);
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    release(resource) {
      const next = waiting.shift();
      if (next) next(resource);
      else idle.push(resource);
    },
    get made() { return made; },
  };
}

class Encoder {
  constructor(id) {
    this.id = id;
    this.scratch = new Array(600).fill(0);
    this.state = { used: 0, table: Array.from({ length: 80 }, (_, i) => [i, id]) };
  }

  async encode(text) {
    this.state.used++;
    await null;
    return text.length + this.id;
  }
}

const pool = createPool({ make: (id) => new Encoder(id), max: 64 });

exports.encode = async (text) => {
  const encoder = await pool.acquire();
  try {
    return await encoder.encode(text);
  } finally {
    pool.release(encoder);
  }
};
exports.pool = pool;
