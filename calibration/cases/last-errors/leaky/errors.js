'use strict';

class UpstreamError extends Error {
  constructor(message, response) {
    super(message);
    this.name = 'UpstreamError';
    this.response = response;
  }
}

const lastErrors = new Map();

exports.report = function report(error) {
  lastErrors.set(error.message, error);
};

exports.fetchUser = async function fetchUser(id) {
  await null;
  if (id % 4 === 0) {
    throw new UpstreamError(`user ${id}: upstream answered 503`, { status: 503, headers: { 'retry-after': '1' } });
  }
  return { id };
};

exports.count = () => lastErrors.size;
