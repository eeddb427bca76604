'use strict';

function Job(name) {
  this.name = name;
  this.steps = 0;
  this.output = '';
}

Job.prototype.step = function (line) {
  this.steps++;
  this.output += '[' + this.steps + '] ' + line + '\n';
  if (this.output.length > 16384) this.output = Buffer.from(this.output.slice(-8192)).toString();
};

Job.prototype.tail = function (chars) {
  return this.output.slice(-chars);
};

exports.nightly = new Job('nightly');
