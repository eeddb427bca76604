'use strict';

function Template(source) {
  this.source = source;
}

Template.prototype.compiled = {};

Template.prototype.compile = function () {
  var known = this.compiled[this.source];
  if (known) return known;
  var parts = this.source.split(/\{\{|\}\}/);
  this.compiled[this.source] = parts;
  return parts;
};

Template.prototype.render = function (data) {
  return this.compile()
    .map(function (part, i) { return i % 2 ? data[part] : part; })
    .join('');
};

exports.mail = function (user) {
  return new Template('Dear ' + user.name + ', your order {{order}} is on its way.').render({ order: user.order });
};
