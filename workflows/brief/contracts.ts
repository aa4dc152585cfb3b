// The four artifacts of an evidence brief, each with its Avro schema for the wire and its zod rules. Every string
// and array is bounded and safe to print; a changed rule is a new version.

import { z } from 'zod';
import type { Contract } from '../../services/blackboard/contract.js';
import { limits } from './limits.js';
import { safeLine, safeText } from './safe-text.js';

/** Why the collector left a file out. */
export const skipReasons = ['binary', 'bad-utf8', 'too-large', 'empty', 'stale', 'unreadable', 'unsafe-name', 'outside-root', 'unsupported-type', 'limit-reached'] as const;
export type SkipReason = (typeof skipReasons)[number];

export const mediaTypes = ['text/markdown', 'text/plain', 'text/html'] as const;
export type MediaType = (typeof mediaTypes)[number];

/** Why a sub-question has no verified answer. */
export const unverifiedReasons = ['no-documents', 'no-passage', 'passages-refused', 'support-refused'] as const;
export type UnverifiedReason = (typeof unverifiedReasons)[number];

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in 64 lower-case hex digits');
const timeMs = z.number().int().min(0).max(8_640_000_000_000_000);
const itemId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be 1 to 32 lower-case letters, digits or hyphens');
const documentId = safeLine(limits.pathCharactersMax).refine((id) => !id.startsWith('/') && !id.split('/').includes('..'), 'must be a path inside the folder');

const unique = (values: readonly string[]): boolean => new Set(values).size === values.length;

const corpusRules = z.strictObject({
  collectedAtMs: timeMs,
  /** Oldest age of a document that was let in, in ms; 0 means no limit. */
  maxAgeMs: timeMs,
  documents: z
    .array(
      z.strictObject({
        id: documentId,
        textHash: sha256,
        sourceHash: sha256,
        mediaType: z.enum(mediaTypes),
        bytes: z.number().int().min(1).max(limits.documentBytesMax),
        modifiedAtMs: timeMs,
      }),
    )
    .max(limits.documentsMax)
    .refine((documents) => unique(documents.map((document) => document.id)), 'ids must be unique'),
  skipped: z.array(z.strictObject({ id: documentId, reason: z.enum(skipReasons) })).max(limits.documentsMax),
});
export type Corpus = z.infer<typeof corpusRules>;
export type CorpusDocument = Corpus['documents'][number];

const planRules = z.strictObject({
  question: safeLine(limits.questionCharactersMax),
  items: z
    .array(z.strictObject({ id: itemId, question: safeLine(limits.questionCharactersMax) }))
    .min(1)
    .max(limits.itemsMax)
    .refine((items) => unique(items.map((item) => item.id)), 'ids must be unique'),
});
export type Plan = z.infer<typeof planRules>;
export type PlanItem = Plan['items'][number];

const findingRules = z.strictObject({
  claim: safeLine(limits.claimCharactersMax),
  documentHash: sha256,
  documentId,
  /** UTF-16 index of the quote's first character in the document's canonical text. */
  position: z.number().int().min(0).max(limits.documentBytesMax),
  quote: safeText(limits.quoteCharactersMax),
  subQuestion: itemId,
  confidence: z.number().min(0).max(1),
  freshAtMs: timeMs,
});
export type Finding = z.infer<typeof findingRules>;

const briefRules = z.strictObject({
  question: safeLine(limits.questionCharactersMax),
  /** Those of the plan, so that a brief can be read by itself. */
  subQuestions: z.array(z.strictObject({ id: itemId, question: safeLine(limits.questionCharactersMax) })).min(1).max(limits.itemsMax),
  mode: z.enum(['extractive', 'model']),
  sentences: z
    .array(
      z.strictObject({
        text: safeLine(limits.claimCharactersMax),
        citations: z.array(sha256).min(1).max(limits.citationsMax),
        subQuestion: itemId,
      }),
    )
    .max(limits.sentencesMax),
  /** The cited findings' quotes, once each, in the order of their first citation. */
  sources: z
    .array(z.strictObject({ finding: sha256, documentId, documentHash: sha256, position: z.number().int().min(0).max(limits.documentBytesMax), quote: safeText(limits.quoteCharactersMax) }))
    .max(limits.sentencesMax * limits.citationsMax),
  unverified: z.array(z.strictObject({ subQuestion: itemId, question: safeLine(limits.questionCharactersMax), reason: z.enum(unverifiedReasons) })).max(limits.itemsMax),
});
export type Brief = z.infer<typeof briefRules>;
export type BriefSentence = Brief['sentences'][number];
export type BriefSource = Brief['sources'][number];

const record = (name: string, fields: readonly (readonly [string, unknown])[]): unknown => ({
  type: 'record',
  name,
  fields: fields.map(([field, type]) => ({ name: field, type })),
});
const arrayOf = (items: unknown): unknown => ({ type: 'array', items });

/** The documents of a folder as they were read once: what exists, what was left out, and why. */
export const corpusContract: Contract<Corpus> = {
  name: 'corpus@1',
  avro: record('Corpus', [
    ['collectedAtMs', 'long'],
    ['maxAgeMs', 'long'],
    ['documents', arrayOf(record('CorpusDocument', [['id', 'string'], ['textHash', 'string'], ['sourceHash', 'string'], ['mediaType', 'string'], ['bytes', 'long'], ['modifiedAtMs', 'long']]))],
    ['skipped', arrayOf(record('SkippedDocument', [['id', 'string'], ['reason', 'string']]))],
  ]),
  rules: corpusRules,
  evidenceRequired: false,
};

/** The question and the sub-questions it is made of. */
export const planContract: Contract<Plan> = {
  name: 'plan@1',
  avro: record('Plan', [
    ['question', 'string'],
    ['items', arrayOf(record('PlanItem', [['id', 'string'], ['question', 'string']]))],
  ]),
  rules: planRules,
  evidenceRequired: false,
};

/** One claim with the verbatim quote it rests on. */
export const findingContract: Contract<Finding> = {
  name: 'finding@1',
  avro: record('Finding', [
    ['claim', 'string'],
    ['documentHash', 'string'],
    ['documentId', 'string'],
    ['position', 'long'],
    ['quote', 'string'],
    ['subQuestion', 'string'],
    ['confidence', 'double'],
    ['freshAtMs', 'long'],
  ]),
  rules: findingRules,
  evidenceRequired: true,
};

/** The answer: sentences that each cite verified findings, and what could not be verified. */
export const briefContract: Contract<Brief> = {
  name: 'brief@1',
  avro: record('Brief', [
    ['question', 'string'],
    ['subQuestions', arrayOf(record('SubQuestion', [['id', 'string'], ['question', 'string']]))],
    ['mode', 'string'],
    ['sentences', arrayOf(record('BriefSentence', [['text', 'string'], ['citations', arrayOf('string')], ['subQuestion', 'string']]))],
    ['sources', arrayOf(record('BriefSource', [['finding', 'string'], ['documentId', 'string'], ['documentHash', 'string'], ['position', 'long'], ['quote', 'string']]))],
    ['unverified', arrayOf(record('Unverified', [['subQuestion', 'string'], ['question', 'string'], ['reason', 'string']]))],
  ]),
  rules: briefRules,
  evidenceRequired: false,
};
