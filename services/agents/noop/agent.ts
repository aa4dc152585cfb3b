// Answers each step with a note and does nothing else: for tests and measurements.

import { setTimeout as sleep } from 'node:timers/promises';
import { noteContract } from '../../../workflows/noop/contracts.js';
import type { Agent } from '../sdk/agent.js';

export interface NoopOptions {
  /** Default `noop`. */
  readonly name?: string;
  /** How long each step takes; default 0. */
  readonly delayMs?: number;
  /** Characters of the note; default 300. */
  readonly bodyChars?: number;
}

export function noopAgent(options: NoopOptions = {}): Agent {
  const { name = 'noop', delayMs = 0, bodyChars = 300 } = options;
  return {
    name, version: '1', promptHash: '', owns: 'nothing-done',
    async run(context) {
      if (delayMs > 0) await sleep(delayMs, undefined, { signal: context.signal });
      const { job, step, attempt } = context.request;
      const text = `${job} ${step} ${attempt} `.padEnd(bodyChars, '.');
      return { outcome: 'proposed', artifacts: [{ type: 'note', body: context.write(noteContract, { text }), evidence: [], confidence: 1, freshAtMs: context.request.requestedAtMs }] };
    },
  };
}
