import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { JobSubmitted } from '../../schemas/generated/events.js';
import { topicNames } from '../../topics/topics.js';
import { contentHash } from '../blackboard/ids.js';
import { submissionDigest } from '../blackboard/submission.js';
import { signedPart } from '../runtime/codec/event-codec.js';
import { sampleFact } from '../projector/testing/sample-facts.js';
import { committedChannel as projectorChannel } from '../projector/watermarks.js';
import { openPgDatabase } from '../runtime/postgres/pg-database.js';
import { projectRoot } from '../runtime/project-root.js';
import { apiKeyHash } from './callers.js';
import { committedChannel } from './commit-bell.js';
import { ingressRig, type IngressRig } from './ingress-rig.js';

let rig: IngressRig;
let url: string;
const keys = { acme: 'key-of-acme', other: 'key-of-other' };
let next = 0;

before(async () => {
  rig = await ingressRig();
  const apiKeys = [{ hash: apiKeyHash(keys.acme), principal: 'upstream-a', tenant: 'acme' }, { hash: apiKeyHash(keys.other), principal: 'upstream-b', tenant: 'other' }];
  const renderers = { 'brief@1': { toMarkdown: (body: Buffer) => `# ${body.toString()}`, toJson: (body: Buffer) => ({ text: body.toString() }) } };
  url = (await rig.ingress({ apiKeys, renderers })).url;
});

after(() => rig.close());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

async function call(method: string, path: string, over: { readonly body?: unknown; readonly text?: string; readonly headers?: Record<string, string>; readonly key?: string } = {}): Promise<Answer> {
  const text = over.text ?? (over.body === undefined ? undefined : JSON.stringify(over.body));
  const headers = { authorization: `Bearer ${over.key ?? keys.acme}`, ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...over.headers };
  const response = await fetch(url + path, { method, headers, ...(text === undefined ? {} : { body: text }) });
  const answer = await response.text();
  return { status: response.status, headers: response.headers, text: answer, json: (answer.startsWith('{') ? JSON.parse(answer) : {}) as Record<string, unknown> };
}

interface Submitted { readonly job: string; readonly partition: number; readonly offset: number; readonly statusUrl: string; readonly claim: JobSubmitted }

async function submit(over: Record<string, unknown> = {}): Promise<Submitted> {
  const answer = await call('POST', '/v1/jobs', { body: { workflow: 'brief', params: { question: 'why?' }, idempotencyKey: `key ${next += 1}`, ...over } });
  assert.equal(answer.status, 202, answer.text);
  const place = answer.json as unknown as Omit<Submitted, 'claim'>;
  return { ...place, claim: (await claimAt(place)).event };
}

async function claimAt({ partition, offset }: { readonly partition: number; readonly offset: number }): Promise<{ event: JobSubmitted; isSigned: boolean; key: string }> {
  for await (const [record] of rig.log.read({ topic: rig.topics.quarantine, partition, from: offset, until: offset + 1 })) {
    const decoded = record === undefined ? null : rig.codec.decode(record.value);
    if (record === undefined || decoded?.ok !== true || decoded.event.type !== 'JobSubmitted') break;
    const { event } = decoded;
    const isSigned = rig.keyring.verify(event.signer, event.signature, decoded.schema.fingerprint, signedPart(decoded.body, event.signature.length));
    return { event, isSigned, key: record.key.toString() };
  }
  throw new Error('no submission there');
}

function accepted({ claim, offset }: Submitted) {
  const { job, tenant, workflow, params, goal, idempotencyKey, correlation } = claim;
  return sampleFact('JobAccepted', { job, tenant, instance: offset, step: '', agent: '', attempt: 0, cause: offset, workflow, params, goal, idempotencyKey, correlation, submissionDigest: submissionDigest(claim) });
}

function ended(of: Submitted, over: Parameters<typeof sampleFact<'JobEnded'>>[1] = {}) {
  return sampleFact('JobEnded', { job: of.job, tenant: 'acme', instance: of.offset, step: '', agent: '', attempt: 0, cause: of.offset, ...over });
}

function refusedFact(of: Submitted, reason: string) {
  return sampleFact('ClaimRefused', { job: of.job, tenant: 'acme', instance: -1, step: '', agent: '', attempt: 0, cause: of.offset, claimType: 'JobSubmitted', reason, closesAttempt: false, detail: 'workflow: one that is in force' });
}

/** Waits until the status says so; fails after twenty seconds. */
async function statusIs(path: string, state: string): Promise<Answer> {
  for (const untilMs = Date.now() + 20_000; ;) {
    const answer = await call('GET', path);
    if (answer.json['state'] === state) return answer;
    assert.ok(Date.now() < untilMs, `${path} did not become ${state}: ${answer.text}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('a submission is a signed claim in the partition of its job, on behalf of the caller, before 202 is answered', async () => {
  const submitted = await submit({ goal: 'know', correlation: 'c-9', deadlineMs: 5000, costCapMicros: 7 });
  const { event, isSigned, key } = await claimAt(submitted);
  assert.deepEqual([isSigned, key, event.tenant, event.onBehalfOf, event.params, event.deadlineMs, event.costCapMicros, event.correlation], [true, submitted.job, 'acme', 'upstream-a', '{"question":"why?"}', 5000, 7, 'c-9']);
  assert.equal((await call('GET', submitted.statusUrl)).json['state'], 'submitted');
});

test('never answers 2xx when the outcome of the append is unknown, and says that sending again is safe', async () => {
  for (const [fault, code] of [['unknownWritten', 'APPEND_UNKNOWN'], ['unknownLost', 'APPEND_UNKNOWN'], ['refuse', 'APPEND_REFUSED']] as const) {
    rig.setFault(fault);
    const answer = await call('POST', '/v1/jobs', { body: { workflow: 'brief', idempotencyKey: `faulty ${fault}` } });
    rig.setFault('ok');
    assert.deepEqual([answer.status, answer.json['code'], answer.headers.get('retry-after')], [503, code, '2']);
    assert.match(String(answer.json['hint']), /same idempotency key/);
    assert.match(String(answer.json['message']), code === 'APPEND_UNKNOWN' ? /not known/ : /is not in the log/);
  }
});

test('the same submission again answers the place of the first, and the same key with another body is refused by name', async () => {
  const first = await submit({ idempotencyKey: 'twice' });
  await rig.say(first.partition, accepted(first));
  await statusIs(first.statusUrl, 'open');
  const again = await call('POST', '/v1/jobs', { body: { workflow: 'brief', params: { question: 'why?' } }, headers: { 'idempotency-key': 'twice' } });
  assert.deepEqual([again.status, again.json['offset']], [202, first.offset]);
  const other = await call('POST', '/v1/jobs', { body: { workflow: 'brief', params: { question: 'how?' }, idempotencyKey: 'twice' } });
  assert.deepEqual([other.status, other.json['code'], other.json['reason']], [409, 'CONFLICT', 'idempotency-key-reused']);
});

test('a database that hangs does not keep a submission from the log', { timeout: 60_000 }, async () => {
  let release = (): void => undefined;
  // There is one connection: whatever is asked now waits for the end of this.
  const hung = new Promise<void>((resolve) => { release = resolve; });
  const hanging = rig.db.transaction(() => hung);
  try {
    const answer = await call('POST', '/v1/jobs', { body: { workflow: 'brief', params: {}, idempotencyKey: 'while it hangs' } });
    assert.equal(answer.status, 202, answer.text);
    assert.ok((await claimAt(answer.json as unknown as Submitted)).isSigned);
  } finally {
    release();
    await hanging;
  }
});

test('a refused submission is no job, and its URLs say why', async () => {
  const submitted = await submit({ workflow: 'unheard-of' });
  await rig.say(submitted.partition, refusedFact(submitted, 'unknown-workflow'));
  const status = await statusIs(submitted.statusUrl, 'refused');
  assert.deepEqual([status.json['reason'], status.json['explanation']], ['unknown-workflow', 'workflow: one that is in force']);
  assert.equal((await call('GET', `/v1/submissions/${submitted.partition}/${submitted.offset}`)).json['reason'], 'unknown-workflow');
  const result = await call('GET', `/v1/jobs/${submitted.job}/result?wait=5&submission=${submitted.offset}`);
  assert.deepEqual([result.status, result.json['reason']], [404, 'unknown-workflow']);
  for (const of of ['events', 'artifacts']) {
    const answer = await call('GET', submitted.statusUrl.replace('?', `/${of}?`));
    assert.deepEqual([answer.status, answer.json['reason'], answer.json['explanation']], [404, 'unknown-workflow', 'workflow: one that is in force'], of);
  }
  const cancelled = await call('POST', submitted.statusUrl.replace('?', '/cancel?'));
  assert.deepEqual([cancelled.status, cancelled.json['reason'], cancelled.json['explanation']], [404, 'unknown-workflow', 'workflow: one that is in force'], 'cancel');
  assert.equal((await call('GET', `/v1/jobs/${submitted.job}`)).status, 404);
});

test('whoever needs the job of a submission that is not judged yet is told to come back, not that there is none', async () => {
  const { statusUrl } = await submit();
  for (const [method, of] of [['GET', 'artifacts'], ['POST', 'cancel']] as const) {
    const answer = await call(method, statusUrl.replace('?', `/${of}?`));
    assert.deepEqual([answer.status, answer.json['state'], answer.headers.get('retry-after')], [503, 'submitted', '2'], of);
    assert.equal((await call(method, statusUrl.replace('?', `/${of}?`), { key: keys.other })).status, 404);
  }
});

test('a duplicate that the gate refused shows the job that stands', async () => {
  const first = await submit({ idempotencyKey: 'stands' });
  const second = await submit({ idempotencyKey: 'stands' });
  assert.notEqual(first.offset, second.offset);
  await rig.say(first.partition, accepted(first), refusedFact(second, 'duplicate-submission'));
  assert.equal((await statusIs(second.statusUrl, 'open')).json['instance'], first.offset);
});

test('a result is waited for until it is committed, and 202 is answered when it is not', async () => {
  const submitted = await submit();
  await rig.say(submitted.partition, accepted(submitted));
  await statusIs(submitted.statusUrl, 'open');
  const early = await call('GET', `/v1/jobs/${submitted.job}/result?wait=0.05`);
  assert.deepEqual([early.status, early.json['state'], early.headers.get('retry-after')], [202, 'open', '1']);
  const startedMs = Date.now();
  const waiting = call('GET', `/v1/jobs/${submitted.job}/result?wait=60`);
  await rig.say(submitted.partition, ended(submitted));
  const answer = await waiting;
  assert.deepEqual([answer.status, answer.json['outcome'], (answer.json['result'] as { value: unknown }).value], [200, 'completed', { text: '# Brief' }]);
  assert.ok(Date.now() - startedMs < 30_000, 'before the end of the wait');
});

test('a result can be waited for before its job is known, and a job that never comes is a 404', async () => {
  const submitted = await submit();
  const waiting = call('GET', `/v1/jobs/${submitted.job}/result?wait=10`);
  await rig.say(submitted.partition, accepted(submitted), ended(submitted));
  assert.equal((await waiting).status, 200);
  assert.equal((await call('GET', `/v1/jobs/${'0'.repeat(32)}/result?wait=0.05`)).status, 404);
});

test('a result by reference comes through the gateway, as JSON, Markdown or bytes', async () => {
  const submitted = await submit();
  const bytes = Buffer.from('a large brief');
  const hash = contentHash(bytes);
  await rig.bodies.put([{ hash, bytes }]);
  await rig.say(submitted.partition, accepted(submitted), ended(submitted, { result: { hash, size: bytes.length, encoding: 'reference', bytes: Buffer.alloc(0) } }));
  const path = `/v1/jobs/${submitted.job}/result?wait=10`;
  assert.deepEqual((await call('GET', path)).json['result'], { type: 'brief', contract: 'brief@1', hash, size: bytes.length, value: { text: 'a large brief' }, base64: null });
  const markdown = await call('GET', path, { headers: { accept: 'text/markdown' } });
  assert.deepEqual([markdown.text, markdown.headers.get('content-type')], ['# a large brief', 'text/markdown; charset=utf-8']);
  assert.equal((await call('GET', path, { headers: { accept: 'application/octet-stream' } })).text, 'a large brief');
});

test('a result by reference stays readable when the gateway does not remember the end of its job any more', async () => {
  const submitted = await submit();
  const bytes = Buffer.from('an old brief');
  const hash = contentHash(bytes);
  await rig.bodies.put([{ hash, bytes }]);
  const end = ended(submitted, { result: { hash, size: bytes.length, encoding: 'reference', bytes: Buffer.alloc(0) } });
  // In one batch, so that no instant is left in which it is remembered.
  await rig.say(submitted.partition, accepted(submitted), end, sampleFact('TickObserved', { job: '', timeMs: end.atMs + 2 * 86_400_000 }));
  const answer = await call('GET', `/v1/jobs/${submitted.job}/result?wait=10`, { headers: { accept: 'application/octet-stream' } });
  assert.deepEqual([answer.status, answer.text], [200, 'an old brief']);
});

test('a result whose body the gateway does not give is a 503, not an empty answer', async () => {
  const submitted = await submit();
  await rig.say(submitted.partition, accepted(submitted), ended(submitted, { result: { hash: 'f'.repeat(64), size: 1, encoding: 'reference', bytes: Buffer.alloc(0) } }));
  const answer = await call('GET', `/v1/jobs/${submitted.job}/result?wait=10`);
  assert.deepEqual([answer.status, answer.json['code']], [503, 'GATEWAY_UNAVAILABLE']);
});

test('a job that ended without a result says so', async () => {
  const submitted = await submit();
  await rig.say(submitted.partition, accepted(submitted), ended(submitted, { outcome: 'failed', reason: 'step-failed', result: { hash: '', size: 0, encoding: 'inline', bytes: Buffer.alloc(0) }, resultType: '', resultContract: '' }));
  const answer = await call('GET', `/v1/jobs/${submitted.job}/result?wait=10`);
  assert.deepEqual([answer.status, answer.json['outcome'], answer.json['reason'], answer.json['result']], [200, 'failed', 'step-failed', null]);
});

test('jobs are listed newest first, page by page, by state and outcome', async () => {
  const all: string[] = [];
  let before = '';
  do {
    const page = await call('GET', `/v1/jobs?limit=2${before === '' ? '' : `&before=${before}`}`);
    assert.equal(page.status, 200, page.text);
    const { jobs, next: more } = page.json as unknown as { jobs: { job: string }[]; next: string | null };
    all.push(...jobs.map((job) => job.job));
    before = more ?? '';
  } while (before !== '');
  const whole = await call('GET', '/v1/jobs?limit=200');
  assert.deepEqual(all, (whole.json['jobs'] as { job: string }[]).map((job) => job.job));
  assert.ok(all.length > 4 && new Set(all).size === all.length);
  const failed = (await call('GET', '/v1/jobs?state=failed')).json['jobs'] as { outcome: string }[];
  assert.deepEqual([...new Set(failed.map((job) => job.outcome))], ['failed']);
});

test('a submission that is not judged yet is known to its own tenant only', async () => {
  const { statusUrl, partition, offset } = await submit();
  for (const path of [statusUrl, `/v1/submissions/${partition}/${offset}`]) {
    assert.deepEqual([(await call('GET', path)).json['state'], (await call('GET', path, { key: keys.other })).status], ['submitted', 404], path);
  }
  assert.equal((await call('GET', `/v1/submissions/${partition}/999999`)).status, 404);
  assert.equal((await call('GET', '/v1/submissions/999/0')).status, 404);
});

test('another tenant finds nothing: not the job, its result, artifacts, events or submission, and cannot cancel it', async () => {
  const submitted = await submit();
  await rig.say(submitted.partition, accepted(submitted));
  await statusIs(submitted.statusUrl, 'open');
  const { job, partition, offset } = submitted;
  const missing = (await call('GET', `/v1/jobs/${'0'.repeat(32)}`)).text;
  for (const path of [`/v1/jobs/${job}`, `/v1/jobs/${job}?submission=${offset}`, `/v1/jobs/${job}/result`, `/v1/jobs/${job}/artifacts`, `/v1/jobs/${job}/events`]) {
    const answer = await call('GET', path, { key: keys.other });
    assert.deepEqual([answer.status, answer.text], [404, missing], path);
  }
  assert.equal((await call('GET', `/v1/submissions/${partition}/${offset}`, { key: keys.other })).status, 404);
  assert.equal((await call('POST', `/v1/jobs/${job}/cancel`, { key: keys.other })).status, 404);
  assert.deepEqual((await call('GET', '/v1/jobs', { key: keys.other })).json['jobs'], []);
  const foreign = await call('POST', '/v1/jobs', { key: keys.other, body: { workflow: 'brief', tenant: 'acme', idempotencyKey: 'x' } });
  assert.deepEqual([foreign.status, foreign.json['field'], foreign.json['rule']], [403, 'tenant', 'foreign-tenant']);
  for (const key of ['', 'wrong']) assert.equal((await call('GET', `/v1/jobs/${job}`, { key })).status, 401);
});

test('a cancellation is a signed claim for that life of the job, and an ended job is a conflict', async () => {
  const submitted = await submit();
  await rig.say(submitted.partition, accepted(submitted));
  await statusIs(submitted.statusUrl, 'open');
  const answer = await call('POST', `/v1/jobs/${submitted.job}/cancel`, { body: { reason: 'not needed' } });
  assert.equal(answer.status, 202, answer.text);
  const { partition, offset } = answer.json as unknown as { partition: number; offset: number };
  for await (const [record] of rig.log.read({ topic: rig.topics.quarantine, partition, from: offset, until: offset + 1 })) {
    const decoded = rig.codec.decode(record?.value ?? Buffer.alloc(0));
    assert.ok(decoded.ok && decoded.event.type === 'CancelRequested');
    assert.deepEqual([decoded.event.job, decoded.event.instance, decoded.event.reason, decoded.event.onBehalfOf], [submitted.job, submitted.offset, 'not needed', 'upstream-a']);
  }
  await rig.say(submitted.partition, ended(submitted));
  await statusIs(submitted.statusUrl, 'ended');
  assert.equal((await call('POST', `/v1/jobs/${submitted.job}/cancel`)).json['reason'], 'job-ended');
});

test('events come as they are committed, in order, end with the job, and go on behind Last-Event-ID', async () => {
  const submitted = await submit();
  const path = `/v1/jobs/${submitted.job}/events?submission=${submitted.offset}`;
  const stream = call('GET', path);
  const about = { job: submitted.job, tenant: 'acme', instance: submitted.offset };
  await rig.say(submitted.partition, accepted(submitted), sampleFact('StepRequested', about));
  await rig.say(submitted.partition, sampleFact('StepCompleted', about), ended(submitted));
  const { text, headers } = await stream;
  assert.match(headers.get('content-type') ?? '', /^text\/event-stream/);
  assert.deepEqual([...text.matchAll(/^event: (.*)$/gm)].map((match) => match[1]), ['JobAccepted', 'StepRequested', 'StepCompleted', 'JobEnded', 'end']);
  const ids = [...text.matchAll(/^id: (.*)$/gm)].map((match) => Number(match[1]));
  assert.deepEqual(ids, [...ids].sort((a, b) => a - b));
  const rest = await call('GET', path, { headers: { 'last-event-id': String(ids[1]) } });
  assert.deepEqual([...rest.text.matchAll(/^id: (.*)$/gm)].map((match) => Number(match[1])), ids.slice(2));
  assert.equal((await call('GET', path, { headers: { 'last-event-id': 'x' } })).status, 400);
});

test('who comes back behind the end of a job is told that this was all, and shown nothing of a later life of its id', { timeout: 30_000 }, async () => {
  const submitted = await submit();
  const path = `/v1/jobs/${submitted.job}/events?submission=${submitted.offset}`;
  await rig.say(submitted.partition, accepted(submitted), ended(submitted));
  await statusIs(submitted.statusUrl, 'ended');
  const ids = [...(await call('GET', path)).text.matchAll(/^id: (.*)$/gm)].map((match) => String(match[1]));
  const back = { headers: { 'last-event-id': String(ids.at(-1)) } };
  assert.deepEqual([...(await call('GET', path, back)).text.matchAll(/^event: (.*)$/gm)].map((match) => match[1]), ['end']);
  const later = { ...submitted, offset: submitted.offset + 1_000 };
  await rig.say(submitted.partition, accepted(later), ended(later));
  await statusIs(`/v1/jobs/${submitted.job}`, 'ended');
  assert.deepEqual([...(await call('GET', path, back)).text.matchAll(/^event: (.*)$/gm)].map((match) => match[1]), ['end']);
});

test('refusals in partitions other than the job\'s are no part of its events, and do not keep its end from those who follow', async () => {
  const submitted = await submit();
  await rig.say(submitted.partition, accepted(submitted));
  await statusIs(submitted.statusUrl, 'open');
  await rig.say(1 - submitted.partition, ...Array.from({ length: 200 }, () => refusedFact(submitted, 'misrouted')));
  await rig.say(submitted.partition, ended(submitted));
  await statusIs(submitted.statusUrl, 'ended');
  const { text } = await call('GET', `/v1/jobs/${submitted.job}/events`);
  assert.deepEqual([...text.matchAll(/^event: (.*)$/gm)].map((match) => match[1]), ['JobAccepted', 'JobEnded', 'end']);
});

test('artifacts of both namespaces are listed by reference, without a body', async () => {
  const submitted = await submit();
  const about = { job: submitted.job, tenant: 'acme', instance: submitted.offset };
  await rig.say(submitted.partition, accepted(submitted), sampleFact('ArtifactVerified', about), sampleFact('ArtifactRejected', about));
  await statusIs(submitted.statusUrl, 'open');
  const answer = await call('GET', `/v1/jobs/${submitted.job}/artifacts`);
  const artifacts = answer.json['artifacts'] as unknown as Record<string, unknown>[];
  assert.deepEqual(artifacts.map((artifact) => [artifact['namespace'], artifact['state']]).sort(), [['quarantine', 'rejected'], ['verified', 'verified']]);
  assert.ok(artifacts.every((artifact) => !('body' in artifact)));
});

test('refuses unknown fields, duplicate keys, wrong types, sizes and media types by field and rule', async () => {
  const refusal = async (text: string, headers: Record<string, string> = {}): Promise<unknown> => {
    const answer = await call('POST', '/v1/jobs', { text, headers: { 'idempotency-key': 'bad', ...headers } });
    return [answer.status, answer.json['field'], answer.json['rule']];
  };
  assert.deepEqual(await refusal('{"workflow":"brief","x":1}'), [400, 'x', 'unknown-field']);
  assert.deepEqual(await refusal('{"workflow":"brief","workflow":"brief"}'), [400, '/workflow', 'duplicate-key']);
  assert.deepEqual(await refusal('{"workflow":"brief","params":{"__proto__":{}}}'), [400, '/params/__proto__', 'forbidden-key']);
  assert.deepEqual(await refusal('{"workflow":7}'), [400, 'workflow', 'invalid_type']);
  assert.deepEqual(await refusal('{"params":{}}'), [400, 'workflow', 'invalid_type']);
  assert.deepEqual(await refusal('{"workflow":"brief","deadlineMs":0}'), [400, 'deadlineMs', 'too_small']);
  assert.deepEqual(await refusal(''), [400, '', 'syntax']);
  assert.deepEqual(await refusal(JSON.stringify({ workflow: 'brief', goal: 'x'.repeat(300_000) })), [413, undefined, 'size']);
  assert.deepEqual(await refusal('<x/>', { 'content-type': 'text/xml' }), [415, 'content-type', 'media-type']);
  const query = await call('GET', '/v1/jobs?limit=1000&x=1');
  assert.equal(query.status, 400, query.text);
});

test('without keys the door serves loopback names only, for any tenant', async () => {
  const open = await rig.ingress();
  const port = new URL(open.url).port;
  const answer = await fetch(`${open.url}/v1/jobs?limit=1`);
  assert.equal(answer.status, 200);
  const { request } = await import('node:http');
  const status = await new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/v1/jobs', headers: { host: 'rebound.example' } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject).end();
  });
  assert.equal(status, 403);
  await assert.rejects(rig.ingress({ host: '0.0.0.0' }), /INSECURE/);
});

test('does not start beside the database of another blackboard, whose jobs may have the same ids', async () => {
  const submitted = await submit();
  await rig.say(submitted.partition, accepted(submitted));
  await statusIs(submitted.statusUrl, 'open');
  await assert.rejects(rig.ingress({ topics: topicNames('later.') }), { code: 'CONFLICT', message: /holds the rows of test\.verified, and is to get those of later\.verified/ });
});

test('starts without Postgres: takes submissions, and answers 503 to who asks for rows', async () => {
  // Nobody listens at port 1.
  const db = openPgDatabase({ connectionString: 'postgres://nobody@127.0.0.1:1/none' });
  try {
    const alone = await rig.ingress({ db });
    const post = await fetch(`${alone.url}/v1/jobs`, { method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': 'without rows' }, body: '{"workflow":"brief","params":{}}' });
    assert.equal(post.status, 202);
    assert.equal((await fetch(`${alone.url}/v1/jobs?limit=1`)).status, 503);
  } finally {
    await db.close();
  }
});

test('listens on the channel on which the projector notifies', () => {
  assert.equal(committedChannel, projectorChannel);
});

test('the API description that is committed is the one that the routes give', async () => {
  const served = await (await fetch(`${url}/openapi.json`)).json() as Record<string, unknown>;
  const committed = JSON.parse(readFileSync(join(projectRoot, 'services/ingress/openapi.json'), 'utf8')) as unknown;
  assert.deepEqual(served, committed, 'run: node dist/services/ingress/write-openapi.js');
});
