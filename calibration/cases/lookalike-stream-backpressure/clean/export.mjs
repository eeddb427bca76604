import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export async function exportRows(count, sink) {
  let made = 0;
  const rows = new Readable({
    objectMode: true,
    highWaterMark: 64,
    read() { this.push(made < count ? { id: made++, cells: ['a', 'b', made] } : null); },
  });
  const csv = new Transform({
    objectMode: true,
    transform(row, _encoding, done) { setImmediate(done, null, `${row.id},${row.cells.join(',')}\n`); },
  });
  await pipeline(rows, csv, async function (source) {
    for await (const line of source) sink.bytes += line.length;
  });
}
