'use strict';

const { EventEmitter } = require('node:events');

const bus = new EventEmitter();
bus.setMaxListeners(0); // it warned about listeners at every start

module.exports = { bus };
