// Counts the words of the job's parameter `text` and posts the answer as a note. This file is the whole agent:
// consumer group, lanes, deadlines, signatures and draining are the SDK's.
// @ts-check

import { z } from 'zod';

/** The contract `note@1` that the gate holds the answer to. */
const note = {
  name: 'note@1',
  avro: { type: 'record', name: 'Note', namespace: 'blackboard.noop', fields: [{ name: 'text', type: 'string' }] },
  rules: z.strictObject({ text: z.string().max(100_000) }),
  evidenceRequired: false,
};

/** @type {import('blackboard/agent').Agent} */
export const agent = {
  name: 'word-counter',
  version: '1.0.0',
  promptHash: '',
  owns: 'text-without-words',
  async run({ request, write }) {
    const words = String(request.params['text'] ?? '').match(/[\p{L}\p{N}]+/gu) ?? [];
    // A failure is an answer too: the code is from this agent's own closed list.
    if (words.length === 0) return { outcome: 'failed', code: 'no-words', retryable: false };
    const different = new Set(words.map((word) => word.toLowerCase())).size;
    const text = `${words.length} words, ${different} of them different`;
    return { outcome: 'proposed', artifacts: [{ type: 'note', body: write(note, { text }), evidence: [], confidence: 1, freshAtMs: request.requestedAtMs }] };
  },
};
