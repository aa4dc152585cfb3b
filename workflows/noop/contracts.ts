// The one artifact of the no-op workflow: a note of a given size, for tests and measurements of everything but the work.

import { z } from 'zod';
import type { Contract } from '../../services/blackboard/contract.js';

const noteRules = z.strictObject({
  text: z.string().max(100_000),
});
export type Note = z.infer<typeof noteRules>;

export const noteContract: Contract<Note> = {
  name: 'note@1',
  avro: { type: 'record', name: 'Note', namespace: 'blackboard.noop', fields: [{ name: 'text', type: 'string' }] },
  rules: noteRules,
  evidenceRequired: false,
};
