#!/usr/bin/env node
'use strict';
const table = new Map(); // const table = 'not this one'
exports.table = new Map();
exports.list = [];
module.exports.other = {};
class Repository {
  static #hidden = new Map();
  static cache = new Map();
  constructor() {
    this.rows = [];
  }
  static use() { return Repository.#hidden; }
}
exports.Repository = Repository;
exports.one = new Repository();
exports.use = () => table;
