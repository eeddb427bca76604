'use strict';
const { EventEmitter, once } = require('events');

class JobRunner extends EventEmitter {
  run(job) {
    setImmediate(() => {
      this.emit('progress', job.id, 50);
      this.emit(`done:${job.id}`, { id: job.id, ok: true });
    });
  }
}

const runner = new JobRunner();
runner.setMaxListeners(200);

exports.execute = async (job) => {
  const onProgress = (id, percent) => { if (id === job.id) job.percent = percent; };
  runner.on('progress', onProgress);
  const finished = once(runner, `done:${job.id}`);
  runner.run(job);
  try {
    const [result] = await finished;
    return result;
  } finally {
    runner.off('progress', onProgress);
  }
};
exports.runner = runner;
