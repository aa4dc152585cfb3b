// Claims whose fields break the envelope, and submissions by a system that may speak for another tenant alone.

import { jobId } from '../../blackboard/ids.js';
import { answerFields, artifact, type Fields } from '../chaos/claims.js';
import { noUsage } from './forged-claims.js';
import { about, refused, terminalText, type Kind, type Vantage } from './kind.js';

const mallory = { principal: 'mallory' } as const;
const intruder = { principal: 'intruder' } as const;

/** An answer whose fields are changed; refused by the envelope, whoever was asked. */
function withFields(name: string, change: (at: Vantage) => Fields, share = 1): Kind {
  return {
    name, share, expects: refused('malformed-claim'),
    make: (at) => {
      const request = at.honest();
      return request === null ? null : about(request, at.sender.signed('ArtifactsProposed', { ...answerFields(request.fact, request.record.offset), ...artifact(Buffer.from('x')), ...change(at) }, mallory));
    },
  };
}

/** The one artifact with some of its fields changed. */
function artifactWith(over: Fields, body: Fields = {}): Fields {
  const { artifacts: [first] } = artifact(Buffer.from('x')) as { artifacts: [Fields & { body: Fields }] };
  return { artifacts: [{ ...first, ...over, body: { ...first.body, ...body } }] };
}

const tokens = ['agentVersion', 'promptHash', 'modelId', 'workflowVersion', 'fallbackTaken'] as const;
const labels = ['tenant', 'correlation', 'onBehalfOf'] as const;

const fields: readonly Kind[] = [
  withFields('control characters for the terminal', ({ dice }) => ({ [dice.pick([...tokens, ...labels])]: terminalText })),
  withFields('reading direction and hidden text in names', ({ dice }) => ({ [dice.pick(labels)]: `ac\u200bme${dice.pick(['\u202e', '\u2066', '\u00ad', '\u{e0041}'])}` })),
  withFields('look-alikes in names', ({ dice }) => ({ [dice.pick(tokens)]: dice.pick(['gрt-4', 'clаude', 'ｇｐｔ', 'model\u0301']) })),
  withFields('control characters in the type of an artifact', () => artifactWith({ type: terminalText })),
  withFields('look-alikes in the type of an artifact', () => artifactWith({ type: 'nоte' })),
  withFields('hash that is none', ({ dice }) => artifactWith({}, { hash: dice.pick(['', 'F'.repeat(64), '\u001b[31m', 'f'.repeat(65)]) })),
  withFields('unknown source of evidence', () => artifactWith({ evidence: [{ source: terminalText, reference: '', position: 0 }] })),
  withFields('body of negative size', ({ dice }) => artifactWith({}, { size: -dice.between(1, 2 ** 31), encoding: 'reference', bytes: Buffer.alloc(0) })),
  withFields('negative cost', () => ({ usage: { ...noUsage, costMicros: -1 } })),
  withFields('huge text in a field', ({ dice }) => ({ [dice.pick([...tokens, ...labels])]: 'x'.repeat(100_000) }), 0.2),
];

/** A submission by a known system; `over` is what is wrong with it. */
function submission(name: string, reason: 'malformed-claim' | 'unknown-workflow' | 'foreign-tenant', over: (at: Vantage) => Fields, share = 1): Kind {
  return {
    name, share, expects: refused(reason),
    make: (at) => {
      const key = `hostile-${at.dice.between(0, 2 ** 48)}`;
      const changed = over(at);
      const tenant = (changed['tenant'] as string | undefined) ?? 'initech';
      const job = (changed['job'] as string | undefined) ?? jobId(tenant, key);
      return { key: Buffer.from(job), value: at.sender.signed('JobSubmitted', { ...at.own.fields, tenant, job, idempotencyKey: key, ...changed }, intruder) };
    },
  };
}

const submissions: readonly Kind[] = [
  submission('submission for another tenant', 'foreign-tenant', () => ({ tenant: 'acme' })),
  submission('job id that is not the hash of its key', 'malformed-claim', (at) => ({ job: at.honest()?.fact.job ?? jobId('initech', 'another') })),
  submission('nested bomb in the parameters', 'malformed-claim', ({ dice }) => ({ params: `{"a":${'['.repeat(dice.between(100, 30_000))}` }), 0.5),
  submission('nested bomb of objects that closes', 'malformed-claim', () => ({ params: `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}` }), 0.5),
  submission('parameters that are no JSON object', 'malformed-claim', ({ dice }) => ({ params: dice.pick(['', '[]', 'null', '"x"', '{"a":1e}', '{"a":\u0000}']) })),
  submission('parameters beyond their bound', 'malformed-claim', () => ({ params: JSON.stringify({ a: 'x'.repeat(70_000) }) }), 0.2),
  submission('deadline out of range', 'malformed-claim', ({ dice }) => ({ deadlineMs: dice.pick([-1, 2 ** 52]) })),
  submission('workflow that is not in force', 'unknown-workflow', ({ dice }) => ({ workflow: dice.pick(['__proto__', terminalText, 'brief-with-liars']) })),
];

const withOwnJob: readonly Kind[] = [
  { name: 'duplicate of an accepted claim', expects: refused('duplicate-submission'), make: ({ own }) => ({ key: own.key, value: own.value }) },
  { name: 'idempotency key used again for another job', expects: refused('idempotency-key-reused'), make: ({ own, sender, dice }) => ({ key: own.key, value: sender.signed('JobSubmitted', { ...own.fields, params: `{"n":${dice.between(1, 10 ** 9)}}` }, intruder) }) },
  { name: 'cancellation of a job of another tenant', expects: refused('foreign-tenant'), make: cancel('acme') },
  { name: 'cancellation under the own tenant of a job of another', expects: refused('foreign-tenant', 'job-open'), make: cancel('initech') },
];

function cancel(tenant: string): Kind['make'] {
  return (at) => {
    const request = at.honest();
    return request === null ? null : about(request, at.sender.signed('CancelRequested', { tenant, job: request.fact.job, instance: -1, reason: terminalText }, intruder));
  };
}

export const hostileFields: readonly Kind[] = [...fields, ...submissions, ...withOwnJob];
