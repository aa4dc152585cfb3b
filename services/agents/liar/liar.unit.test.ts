import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { contentHash } from '../../blackboard/ids.js';
import { projectRoot } from '../../runtime/project-root.js';
import { findingContract } from '../../../workflows/brief/contracts.js';
import type { Corpus, Finding } from '../../../workflows/brief/contracts.js';
import { readDocument } from '../../../workflows/brief/read-document.js';
import type { SourceDocument } from '../../../workflows/brief/rank-passages.js';
import { verifyFinding } from '../../../workflows/brief/verify-finding.js';
import { fabrications, honestFinding, lieKinds, liesFor } from './fabrications.js';

const paths = ['fastify/docs/Reference/Server.md', 'fastify/docs/Guides/Getting-Started.md', 'pino/docs/api.md', 'lmdb/README.md', 'commander/Readme.md', 'cockatiel/readme.md', 'openai/README.md', 'zod/README.md'];
const nowMs = 2_000_000_000_000;
const sources = paths.map((id): SourceDocument => {
  const bytes = readFileSync(join(projectRoot, 'node_modules', id));
  const read = readDocument(id, bytes);
  assert.ok(read.ok);
  return { text: read.text, document: { id, textHash: contentHash(Buffer.from(read.text)), sourceHash: contentHash(bytes), mediaType: read.mediaType, bytes: bytes.length, modifiedAtMs: 1_900_000_000_000 } };
});
const corpusOf = (documents: readonly SourceDocument[]): Corpus => ({ collectedAtMs: nowMs, maxAgeMs: 0, documents: documents.map(({ document }) => document), skipped: [] });
const item = { id: 'q1', question: 'Is every value of fastify, pino, lmdb, commander, policy, client and zod schema safe?' };

function verdictOf(finding: Parameters<typeof verifyFinding>[0], documents: readonly SourceDocument[], paraphraseAllowed = false): ReturnType<typeof verifyFinding> {
  const text = documents.find(({ document }) => document.textHash === finding.documentHash)?.text ?? null;
  // The relevance check is left out, so that an honest sentence of any topic stands and each lie falls by itself.
  return verifyFinding(finding, { corpus: corpusOf(documents), text, item: paraphraseAllowed ? item : null, nowMs, paraphraseAllowed });
}

test('accepts the honest findings that the lies start from', () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const honest = honestFinding(sources, item, seed * 7_919);
    assert.ok(honest !== null);
    assert.equal(verdictOf(honest, sources).reason, '');
  }
});

test('refuses every kind of fabrication over every document, and counts them by kind', () => {
  const refused = new Map<string, Set<string>>();
  for (const documents of [sources, ...sources.map((source) => [source])]) {
    for (let seed = 0; seed < 25; seed += 1) {
      const honest = honestFinding(documents, item, seed * 104_729 + 11);
      assert.ok(honest !== null);
      for (const kind of lieKinds) {
        const finding: Finding = fabrications[kind]({ honest, sources: documents, item });
        assert.ok(findingContract.rules.safeParse(finding).success, `${kind} must keep the contract, or it is refused for another reason`);
        if (kind === 'wrong-sub-question') continue;
        const verdict = verdictOf(finding, documents);
        assert.equal(verdict.accepted, false, `${kind}: ${JSON.stringify(finding)}`);
        refused.set(kind, (refused.get(kind) ?? new Set()).add(verdict.reason));
      }
    }
  }
  assert.equal(refused.size, lieKinds.length - 1);
  assert.ok(lieKinds.length >= 10);
  assert.deepEqual([...(refused.get('wrong-position') ?? [])], ['quote-misplaced']);
});

test('refuses a finding for another sub-question than the one that was asked', () => {
  const honest = honestFinding(sources, item, 3);
  assert.ok(honest !== null);
  const finding = fabrications['wrong-sub-question']({ honest, sources, item });
  const text = sources.find(({ document }) => document.textHash === finding.documentHash)?.text ?? null;
  assert.equal(verifyFinding(finding, { corpus: corpusOf(sources), text, item, nowMs, paraphraseAllowed: false }).reason, 'sub-question-differs');
});

test('with a model, no fabrication is accepted without a judgement', () => {
  for (let seed = 0; seed < 40; seed += 1) {
    const honest = honestFinding(sources, item, seed * 15_485_863);
    assert.ok(honest !== null);
    for (const kind of lieKinds) {
      const verdict = verdictOf(fabrications[kind]({ honest, sources, item }), sources, true);
      assert.ok(!verdict.accepted || verdict.needsJudgement, kind);
    }
  }
});

test('tells every kind of lie over a hundred jobs, the same ones for the same step', () => {
  const told = new Set<string>();
  for (let job = 0; job < 100; job += 1) for (const kind of liesFor(`job-${job}`, 'research/1', 1, 3)) told.add(kind);
  assert.deepEqual([...told].sort(), [...lieKinds].sort());
  assert.deepEqual(liesFor('a', 'b', 1, 3), liesFor('a', 'b', 1, 3));
});
