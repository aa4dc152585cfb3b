import { z } from 'zod';

/** `BLACKBOARD_PRINCIPALS`, as whoever needs to know all principals reads it. */
export const principalsVariable = z.string().optional().describe('JSON file that binds principals to roles, agents and tenants; default: the agents that ship').meta({ shape: 'a path' });
