import { duplicates, flood, foreignSchema, hostile, hotTenant, poison } from './claims.js';
import type { Fault } from './fault.js';
import { burst, clock, kill, zombie } from './processes.js';
import { broker, commitReplies, logReplies, model, postgres, registry } from './servers.js';

/** Every fault that this machine can make happen to the real parts. */
export const allFaults: readonly Fault[] = [kill, zombie, broker, postgres, logReplies, commitReplies, burst, duplicates, clock, hotTenant, registry, model, poison, foreignSchema, hostile, flood];
