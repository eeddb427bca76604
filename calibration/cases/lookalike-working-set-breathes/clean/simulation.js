'use strict';

class World {
  constructor() {
    this.particles = [];
    this.step = 0;
  }

  tick() {
    this.step++;
    const wanted = Math.round(2200 + 2000 * Math.sin(this.step / 900));
    while (this.particles.length < wanted) this.particles.push({ x: this.step % 100, y: 0, trail: [this.step, this.step + 1] });
    if (this.particles.length > wanted) this.particles.length = wanted;
  }
}

module.exports = new World();
