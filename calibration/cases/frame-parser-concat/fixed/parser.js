'use strict';
// Length-prefixed frames: 2 bytes of length, then the payload.

class FrameParser {
  constructor(onFrame) {
    this.onFrame = onFrame;
    this.pending = Buffer.alloc(0);
    this.offset = 0;
  }

  write(chunk) {
    this.pending = Buffer.concat([this.pending.subarray(this.offset), chunk]);
    this.offset = 0;
    while (this.pending.length - this.offset >= 2) {
      const size = this.pending.readUInt16BE(this.offset);
      if (this.pending.length - this.offset - 2 < size) return;
      this.onFrame(this.pending.subarray(this.offset + 2, this.offset + 2 + size));
      this.offset += 2 + size;
    }
  }
}

let frames = 0;
exports.frames = () => frames;
exports.parser = new FrameParser(() => { frames++; });
