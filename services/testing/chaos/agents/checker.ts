// Looks at notes as another principal than their writer: a note must begin with its job and step, and say nothing that
// is marked as a lie.

import { noteContract } from '../../../../workflows/noop/contracts.js';
import type { Agent, Verdict } from '../../../agents/sdk/agent.js';
import { noteRun } from './runs-file.js';

export const lieMark = 'LIE';

export const agent: Agent = {
  name: 'checker', version: '1', promptHash: '', owns: 'a note that is not what it says', verifies: true,
  async run(context) {
    noteRun('checker', context.request);
    const { job, step, candidates } = context.request;
    const verdicts: Verdict[] = [];
    for (const candidate of candidates) {
      const { text } = await context.read(noteContract, candidate);
      const reason = !text.startsWith(`${job} ${step} `) ? 'foreign-note' : text.includes(lieMark) ? 'lie' : '';
      verdicts.push({ hash: candidate.hash, accepted: reason === '', reason, checksPassed: reason === '' ? 2 : 1, checksTotal: 2 });
    }
    return { outcome: 'judged', verdicts };
  },
};
