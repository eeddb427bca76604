// Prints the comparison of two snapshots as the Chrome DevTools engine makes it.
// Usage: node devtools_compare.mjs PEERS BEFORE AFTER; PEERS has chrome-devtools-mcp in its node_modules.
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [peers, before, after] = process.argv.slice(2);
const module = 'node_modules/chrome-devtools-mcp/build/src/processors/HeapSnapshotManager.js';
const { HeapSnapshotManager } = await import(pathToFileURL(path.join(path.resolve(peers), module)));
const manager = new HeapSnapshotManager();
const { classDiffs } = await manager.getClassDiffs(before, after);
const rows = classDiffs.map((row) => [row.className, row.addedCount, row.removedCount, row.addedSize, row.removedSize]);
process.stdout.write(JSON.stringify(rows), () => process.exit(0));
