import { z } from 'zod';
import { plumbingConfigSchema } from '../runtime/plumbing-config.js';

export const bridgeConfigSchema = plumbingConfigSchema.extend({
  BRIDGE_MAP: z.string().describe('JSON file that says which topic becomes submissions, and how; see docs/upstream.md').meta({ shape: 'a path' }),
});
