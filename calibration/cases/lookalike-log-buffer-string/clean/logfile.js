'use strict';
const FLUSH_AT = 1 << 19;

class LogFile {
  constructor(write) {
    this.write = write;
    this.buffer = '';
  }

  line(level, text) {
    this.buffer += `${level} ${text}\n`;
    if (this.buffer.length > FLUSH_AT) {
      this.write(this.buffer);
      this.buffer = '';
    }
  }
}

let bytes = 0;
module.exports = { log: new LogFile((text) => { bytes += text.length; }), written: () => bytes };
