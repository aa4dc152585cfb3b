import { AsyncLocalStorage } from 'node:async_hooks';
import type { SimProcess } from './sim-process.js';

/** The process that the running code of an agent belongs to: its clock is the one read, and its timers die with it. */
export const runningProcess = new AsyncLocalStorage<SimProcess>();
