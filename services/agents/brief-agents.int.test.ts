// The six agents and the liar on real documents and real contracts, without log or gateway: bodies lie in a map.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { contentHash } from '../blackboard/ids.js';
import { encodeBody, readBody } from '../runtime/codec/contract-codec.js';
import { BlackboardError } from '../runtime/errors.js';
import { briefContract, corpusContract, findingContract, planContract } from '../../workflows/brief/contracts.js';
import type { Brief } from '../../workflows/brief/contracts.js';
import { demoDocuments, demoFolder, demoQuestion } from '../../workflows/brief/demo-documents.js';
import { createCollector } from './collector/agent.js';
import { createLiar } from './liar/agent.js';
import { createPlanner } from './planner/agent.js';
import { createResearcher } from './researcher/agent.js';
import { createReviewer } from './reviewer/agent.js';
import type { Agent, InputArtifact, ModelClient, ProposedArtifact, StepContext, StepOutcome, StepRequest, Verdict } from './sdk/agent.js';
import { createVerifier } from './verifier/agent.js';
import { createWriter } from './writer/agent.js';

const bodies = new Map<string, Uint8Array>();
const put = (body: Uint8Array): string => {
  const hash = contentHash(body);
  bodies.set(hash, body);
  return hash;
};

function contextOf(request: Partial<StepRequest>, model: ModelClient | null = null): StepContext {
  const get = (hash: string): Uint8Array => {
    const body = bodies.get(hash);
    if (body === undefined) throw new BlackboardError('BODY_NOT_FOUND', 'there is no such body here');
    return body;
  };
  return {
    request: {
      kind: 'step', tenant: 'acme', job: 'j1', instance: 0, step: 's', attempt: 1, agent: 'a', deadlineAtMs: Date.now() + 60_000, requestedAtMs: Date.now(), contractOut: '',
      params: {}, inputs: [], variation: { kind: 'none', value: '', reasons: [] }, candidates: [], ...request,
    },
    signal: new AbortController().signal,
    bodies: { get: (hash) => Promise.resolve().then(() => get(hash)), put: (many) => Promise.resolve(many.map(put)) },
    model,
    read: (contract, input) => Promise.resolve().then(() => readBody(contract, get(input.hash))),
    write: (contract, value) => encodeBody(contract, value),
  } as StepContext;
}

const proposedOf = (outcome: StepOutcome): readonly ProposedArtifact[] => {
  assert.equal(outcome.outcome, 'proposed', JSON.stringify(outcome));
  return outcome.outcome === 'proposed' ? outcome.artifacts : [];
};
const inputOf = (artifact: ProposedArtifact, contract: string): InputArtifact => ({ type: artifact.type, contract, hash: put(artifact.body), producerStep: 's', inline: null, refs: artifact.refs ?? [] });

async function judge(agent: Agent, artifacts: readonly ProposedArtifact[], contract: string, request: Partial<StepRequest>): Promise<readonly Verdict[]> {
  const candidates = artifacts.map((artifact) => ({ type: artifact.type, contract, hash: put(artifact.body), producer: 'p', refs: [], confidence: artifact.confidence, freshAtMs: artifact.freshAtMs, evidence: artifact.evidence }));
  const outcome = await agent.run(contextOf({ ...request, kind: 'verification', candidates }));
  return outcome.outcome === 'judged' ? outcome.verdicts : assert.fail(JSON.stringify(outcome));
}

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'documents-'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('a question becomes a brief: every finding verified, every sentence cited, the rest named as not verified', async () => {
  const [corpus] = proposedOf(await createCollector({ roots: [demoFolder] }).run(contextOf({ params: { docs: demoFolder, include: demoDocuments } })));
  const [plan] = proposedOf(await createPlanner().run(contextOf({ params: { question: demoQuestion } })));
  assert.ok(corpus !== undefined && plan !== undefined);
  assert.equal(readBody(corpusContract, corpus.body).documents.length, demoDocuments.length);
  const inputs = [inputOf(corpus, corpusContract.name)];
  const items = readBody(planContract, plan.body).items;
  assert.equal(items.length, 5);
  const findings: InputArtifact[] = [];
  let lies = 0;
  for (const [index, item] of items.entries()) {
    const request = { params: item, inputs, step: `research/${index + 1}` };
    const honest = proposedOf(await createResearcher().run(contextOf(request)));
    for (const verdict of await judge(createVerifier(), honest, findingContract.name, request)) assert.deepEqual([verdict.accepted, verdict.reason], [true, '']);
    findings.push(...honest.map((artifact) => inputOf(artifact, findingContract.name)));
    const fabricated = proposedOf(await createLiar({ liesPerStep: 18 }).run(contextOf(request)));
    lies += fabricated.length;
    for (const verdict of await judge(createVerifier(), fabricated, findingContract.name, request)) {
      assert.equal(verdict.accepted, false);
      assert.ok(verdict.reason !== '' && verdict.checksPassed < verdict.checksTotal);
    }
  }
  assert.equal(lies, 5 * 18);
  const writing = { params: { question: demoQuestion }, inputs: [inputOf(plan, planContract.name), ...findings] };
  const drafts = proposedOf(await createWriter().run(contextOf(writing)));
  const [verdict] = await judge(createReviewer(), drafts, briefContract.name, writing);
  assert.deepEqual([verdict?.accepted, verdict?.reason], [true, '']);
  const brief = readBody(briefContract, (drafts[0] as ProposedArtifact).body);
  assert.equal(brief.mode, 'extractive');
  assert.ok(brief.sentences.length >= 4);
  assert.deepEqual(brief.unverified.map((entry) => entry.subQuestion), ['q5']);
});

test('no findings make a brief that says so, and the reviewer accepts it', async () => {
  const [plan] = proposedOf(await createPlanner().run(contextOf({ params: { question: 'Who baked the bread?' } })));
  assert.ok(plan !== undefined);
  const request = { params: { question: 'Who baked the bread?' }, inputs: [inputOf(plan, planContract.name)] };
  const drafts = proposedOf(await createWriter().run(contextOf(request)));
  assert.equal((await judge(createReviewer(), drafts, briefContract.name, request))[0]?.accepted, true);
  const brief = readBody(briefContract, (drafts[0] as ProposedArtifact).body);
  assert.deepEqual([brief.sentences.length, brief.unverified[0]?.reason], [0, 'no-passage']);
});

test('a refused draft names its sentence, and the retry drops it', async () => {
  await writeFile(join(folder, 'a.md'), 'The pump weighs 40 kg without its filter.\n\nThe pump costs 90 euros in Spain.\n');
  const [corpus] = proposedOf(await createCollector({ roots: [folder] }).run(contextOf({ params: { docs: folder } })));
  const question = 'What does the pump weigh, and what does the pump cost in euros?';
  const [plan] = proposedOf(await createPlanner().run(contextOf({ params: { question } })));
  assert.ok(corpus !== undefined && plan !== undefined);
  const found: ProposedArtifact[] = [];
  for (const item of readBody(planContract, plan.body).items) found.push(...proposedOf(await createResearcher().run(contextOf({ params: item, inputs: [inputOf(corpus, corpusContract.name)] }))));
  const request = { params: { question }, inputs: [inputOf(plan, planContract.name), ...found.map((artifact) => inputOf(artifact, findingContract.name))] };
  const draft = proposedOf(await createWriter().run(contextOf(request)))[0] as ProposedArtifact;
  const brief: Brief = readBody(briefContract, draft.body);
  assert.equal(brief.sentences.length, 2);
  const forged = { ...brief, sentences: brief.sentences.map((sentence, index) => (index === 1 ? { ...sentence, text: 'The pump is free.' } : sentence)) };
  const [verdict] = await judge(createReviewer(), [{ ...draft, body: encodeBody(briefContract, forged) }], briefContract.name, request);
  assert.equal(verdict?.accepted, false);
  const reasons = verdict?.reasons ?? [];
  assert.ok(reasons.some(({ code, position }) => code === 'sentence-not-supported' && position === 1));
  const retried = proposedOf(await createWriter().run(contextOf({ ...request, attempt: 2, variation: { kind: 'constraint', value: 'verified-claims-only', reasons } })))[0] as ProposedArtifact;
  assert.deepEqual(readBody(briefContract, retried.body).sentences.map(({ text }) => text), [brief.sentences[0]?.text]);
});

test('the collector reads nothing outside its roots, follows no link out, and names what it left out', async () => {
  const root = join(folder, 'root');
  const secret = join(folder, 'secret');
  await mkdir(join(root, 'sub'), { recursive: true });
  await mkdir(secret);
  await writeFile(join(secret, 's.md'), 'The secret is 42 and it is outside.');
  await writeFile(join(root, 'good.md'), 'A good document stands here.');
  await writeFile(join(root, 'sub', 'page.html'), '<p>A page stands here.</p>');
  await writeFile(join(root, 'binary.md'), Buffer.from([1, 0, 2]));
  await writeFile(join(root, 'latin.txt'), Buffer.from([0x61, 0xe9, 0x62]));
  await writeFile(join(root, 'empty.md'), ' ');
  await writeFile(join(root, 'old.md'), 'An old document stands here.');
  await utimes(join(root, 'old.md'), 1_000, 1_000);
  await symlink(join(secret, 's.md'), join(root, 'link.md'));
  await symlink(secret, join(root, 'linked'));
  await symlink(root, join(root, 'loop'));
  const collector = createCollector({ roots: [root] });
  const [artifact] = proposedOf(await collector.run(contextOf({ params: { docs: root, maxAgeMs: 3_600_000 } })));
  assert.ok(artifact !== undefined);
  const corpus = readBody(corpusContract, artifact.body);
  assert.deepEqual(corpus.documents.map(({ id }) => id), ['good.md', 'sub/page.html']);
  assert.deepEqual(Object.fromEntries(corpus.skipped.map(({ id, reason }) => [id, reason])), {
    'binary.md': 'binary', 'empty.md': 'empty', 'latin.txt': 'bad-utf8', 'link.md': 'outside-root', linked: 'outside-root', 'old.md': 'stale',
  });
  assert.deepEqual([...(artifact.refs ?? [])], corpus.documents.map(({ textHash }) => textHash));
  const codeOf = async (params: Record<string, unknown>, roots: readonly string[] = [root]): Promise<string> => {
    const outcome = await createCollector({ roots }).run(contextOf({ params }));
    return outcome.outcome === 'failed' ? outcome.code : outcome.outcome;
  };
  assert.equal(await codeOf({ docs: secret }), 'source-forbidden');
  assert.equal(await codeOf({ docs: join(root, '..', 'secret') }), 'source-forbidden');
  assert.equal(await codeOf({ docs: join(root, 'linked') }), 'source-forbidden');
  assert.equal(await codeOf({ docs: root }, []), 'source-forbidden');
  assert.equal(await codeOf({ docs: join(root, 'none') }), 'source-missing');
  assert.equal(await codeOf({ docs: root, include: ['../secret/s.md', 'link.md'] }), 'source-unreadable');
  await mkdir(join(root, 'void'));
  assert.equal(await codeOf({ docs: join(root, 'void') }), 'source-empty');
});

test('with a model, a claim that it rewrote falsely falls back to the quote, and one it may not judge is refused', async () => {
  await writeFile(join(folder, 'b.md'), 'The valve does not open above 7 bar in Norway.\n');
  const [corpus] = proposedOf(await createCollector({ roots: [folder] }).run(contextOf({ params: { docs: folder, include: ['b.md'] } })));
  assert.ok(corpus !== undefined);
  const answering = (claim: string, supported: boolean): ModelClient => ({
    ask: (request) => Promise.resolve({ value: request.shape.parse(request.name === 'support' ? { supported } : { findings: [{ passage: 1, claim, confidence: 0.9 }] }), modelId: 'm', fallbackTaken: '' }),
  });
  const request = { params: { id: 'q1', question: 'Does the valve open in Norway?' }, inputs: [inputOf(corpus, corpusContract.name)] };
  const claimed = async (claim: string): Promise<{ readonly claim: string; readonly artifact: ProposedArtifact }> => {
    const artifact = proposedOf(await createResearcher().run(contextOf(request, answering(claim, true))))[0] as ProposedArtifact;
    return { claim: readBody(findingContract, artifact.body).claim, artifact };
  };
  assert.equal((await claimed('The valve opens above 7 bar in Norway.')).claim, 'The valve does not open above 7 bar in Norway.');
  const fair = await claimed('Above 7 bar, the valve does not open in Norway.');
  assert.equal(fair.claim, 'Above 7 bar, the valve does not open in Norway.');
  const candidates = [{ type: 'finding', contract: findingContract.name, hash: put(fair.artifact.body), producer: 'p', refs: [], confidence: 0.9, freshAtMs: fair.artifact.freshAtMs, evidence: fair.artifact.evidence }];
  const verdictWith = async (model: ModelClient | null): Promise<string> => {
    const outcome = await createVerifier().run(contextOf({ ...request, candidates }, model));
    return outcome.outcome === 'judged' ? (outcome.verdicts[0]?.reason ?? 'none') : outcome.outcome;
  };
  assert.equal(await verdictWith(answering('', true)), '');
  assert.equal(await verdictWith(answering('', false)), 'support-refused');
  assert.equal(await verdictWith(null), 'claim-not-in-quote');
});
