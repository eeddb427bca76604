import agent from './index.cjs';

export const { armNearHeapLimit, metrics, snapshot, start, stop, version } = agent;
export default agent;
