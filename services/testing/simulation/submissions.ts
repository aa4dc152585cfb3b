// Upstream systems: they submit each job until the log has taken it, at times twice, at times wrongly, and cancel some.

import { jobId } from '../../blackboard/ids.js';
import { codec } from './blackboard-of-seed.js';
import { quarantined, type SignClaim } from './claims.js';
import type { Dice } from './dice.js';
import type { Faults } from './fault-kinds.js';
import { encodeLate } from './late-schema.js';
import { throwsMark } from './remembering-codec.js';
import type { Scenario } from './scenario.js';
import type { SimProcess } from './sim-process.js';

export interface SubmissionParts {
  readonly process: SimProcess;
  readonly seed: number;
  readonly dice: Dice;
  readonly faults: Faults;
  readonly partitions: number;
  readonly scenario: Scenario;
  readonly sign: SignClaim;
}

interface Submission {
  readonly job: string;
  readonly value: Buffer;
}

/** Schedules submissions over some time: those of a storm, or more of them after it. */
export function scheduleSubmissions(parts: SubmissionParts, { first, jobs, spanMs }: { readonly first: number; readonly jobs: number; readonly spanMs: number }): void {
  const { process, seed, dice, faults, scenario } = parts;
  for (let number = first; number < first + jobs; number += 1) {
    process.later(dice.next() * spanMs, () => {
      const tenant = dice.pick(['acme', 'globex']);
      const submission = submit(tenant, `job-${number}`, {
        ...scenario.job(number, dice, seed), deadlineMs: faults.strikes('deadline-short') ? dice.between(300, 6_000) : 0,
      }, tenant === 'acme' && dice.chance(0.3) ? scenario.adversary.upstream : 'ingress', parts);
      void post(submission, parts);
      if (faults.strikes('submission-duplicated')) process.later(dice.between(1, 3_000), () => { void post(submission, parts); });
      if (faults.strikes('id-reused')) process.later(dice.between(2_000, 9_000), () => { void post(submit(tenant, `job-${number}`, { ...scenario.job(number, dice, seed), goal: 'another life' }, 'ingress', parts), parts); });
      if (scenario.own === null) strange(tenant, number, parts);
      if (faults.strikes('submission-refusable')) process.later(dice.between(1, 2_000), () => { void post(refusable(tenant, number, parts), parts); });
      if (faults.strikes('cancellation')) process.later(dice.between(1, 5_000), () => { void post(cancel(submission.job, dice.chance(0.8) ? tenant : 'initech', parts), parts); });
    });
  }
}

function submit(tenant: string, idempotencyKey: string, fields: Readonly<Record<string, unknown>>, principal: string, { process, seed, dice, scenario, sign }: SubmissionParts): Submission {
  const job = jobId(tenant, idempotencyKey);
  const value = sign('JobSubmitted', {
    tenant, job, idempotencyKey, onBehalfOf: 'a person', atMs: process.clock.nowMs(), ...scenario.job(0, dice, seed), deadlineMs: 0, costCapMicros: 0, goal: '', ...fields,
  }, { principal });
  return { job, value };
}

/** Submissions that only the simulation's own codec can bring about. */
function strange(tenant: string, number: number, parts: SubmissionParts): void {
  const { process, dice, faults, scenario } = parts;
  const later = (make: () => Submission): void => { process.later(dice.between(1, 2_000), () => { void post(make(), parts); }); };
  if (faults.strikes('verb-throws')) later(() => submit(tenant, `throwing-${number}`, { params: `{"topic":"${throwsMark}"}` }, 'ingress', parts));
  if (faults.strikes('schema-late')) later(() => {
    const { job, value } = submit(tenant, `late-${number}`, {}, 'ingress', parts);
    const decoded = codec.decode(value);
    if (!decoded.ok) throw new Error('a submission of our own cannot be read');
    const signer = scenario.keyring.signerOf('ingress');
    return { job, value: encodeLate({ ...decoded.event }, (fingerprint, body) => scenario.keyring.sign(signer, fingerprint, body)) };
  });
}

function refusable(tenant: string, number: number, parts: SubmissionParts): Submission {
  const key = `wrong-${number}`;
  switch (parts.dice.between(0, 7)) {
    case 0: return submit(tenant, `job-${number}`, { goal: 'another' }, 'ingress', parts);
    case 1: return submit(tenant, key, { workflow: 'nobody-knows' }, 'ingress', parts);
    case 2: return submit(tenant, key, { params: '[1]' }, 'ingress', parts);
    case 3: return submit(tenant, key, { ...(parts.scenario.incomplete ?? { params: '[]' }) }, 'ingress', parts);
    case 4: return submit('globex', key, {}, parts.scenario.adversary.upstream, parts);
    case 5: return submit(tenant, key, { deadlineMs: -1 }, 'ingress', parts);
    case 6: return cancel(jobId(tenant, key), tenant, parts);
    default: return { ...submit(tenant, key, {}, 'ingress', parts), job: jobId(tenant, `job-${number}`) };
  }
}

function cancel(job: string, tenant: string, { process, sign }: SubmissionParts): Submission {
  return { job, value: sign('CancelRequested', { tenant, job, atMs: process.clock.nowMs(), reason: 'no longer wanted' }, { principal: 'ingress' }) };
}

/** Until it is acknowledged; a refused or unknown append is tried again, and may then be there twice. */
async function post({ job, value }: Submission, { process, partitions }: SubmissionParts): Promise<void> {
  for (let tries = 1; tries <= 10; tries += 1) {
    try {
      await process.append(quarantined(job, value, partitions));
      return;
    } catch {
      // Whatever the log said, it is told again: the gate refuses a second one.
      await process.sleep(20 * 2 ** tries);
    }
  }
}
