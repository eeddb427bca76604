// What the heap engine of Chrome DevTools says of snapshots: [[snapshot, result], …] in the first argument.
// A result has every node's [id, shallow, retained, distance, name] in file order, the class table and the
// statistics view.
import fs from 'node:fs';
import { HeapSnapshotManager } from 'chrome-devtools-mcp/build/src/processors/HeapSnapshotManager.js';

console.warn = () => {}; // it lists unreachable nodes
const manager = new HeapSnapshotManager();
for (const [snapshot, result] of JSON.parse(process.argv[2])) {
  const { proxy } = await manager.getSnapshot(snapshot);
  const { items } = await manager.queryObjects(snapshot, { sortBy: 'id' });
  const aggregates = await proxy.aggregatesWithFilter({});
  fs.writeFileSync(result, JSON.stringify({
    nodes: items.sort((a, b) => a.nodeIndex - b.nodeIndex)
      .map((n) => [n.id, n.selfSize, n.retainedSize, n.distance, n.name]),
    classes: Object.entries(aggregates).map(([key, a]) => [key, a.count, a.self, a.maxRet, a.distance]),
    statistics: await proxy.getStatistics(),
  }));
}
process.exit(0);
