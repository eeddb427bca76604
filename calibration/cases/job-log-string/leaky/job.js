'use strict';

function Job(name) {
  this.name = name;
  this.steps = 0;
  this.output = '';
}

Job.prototype.step = function (line) {
  this.steps++;
  this.output += '[' + this.steps + '] ' + line + '\n';
};

Job.prototype.tail = function (chars) {
  return this.output.slice(-chars);
};

exports.nightly = new Job('nightly');
