// Reads a folder of documents into content-addressed bodies. Deny by default: it reads only below the folders it was
// started with. It owns the missing, stale or unreadable source.

import { realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { contentHash } from '../../blackboard/ids.js';
import { corpusContract } from '../../../workflows/brief/contracts.js';
import type { Corpus, CorpusDocument, SkipReason } from '../../../workflows/brief/contracts.js';
import { limits } from '../../../workflows/brief/limits.js';
import { readDocument } from '../../../workflows/brief/read-document.js';
import { textParam } from '../read-brief-inputs.js';
import type { Agent, StepContext, StepOutcome } from '../sdk/agent.js';
import { isInside, readFileBounded, walkDocuments } from './walk-documents.js';
import type { FoundFile, FoundFiles } from './walk-documents.js';

export interface CollectorOptions {
  /** Folders that may be read, with all below them; empty: none. Relative ones are taken from the working directory. */
  readonly roots: readonly string[];
}

/** Closed list of the collector's failures. */
export const collectorFailures = ['source-missing', 'source-forbidden', 'source-empty', 'source-unreadable', 'source-stale'] as const;
export type CollectorFailure = (typeof collectorFailures)[number];

const putBytesMax = 4 * 1024 * 1024;

/** The agent that reads documents; `params: { docs, include?, maxAgeMs? }`, output `corpus@1`. */
export function createCollector(options: CollectorOptions): Agent {
  return {
    name: 'collector',
    version: '1.0.0',
    promptHash: '',
    owns: 'a missing, stale or unreadable source',
    run: (context) => collect(context, options),
  };
}

async function collect(context: StepContext, options: CollectorOptions): Promise<StepOutcome> {
  const folder = await allowedFolder(textParam(context, 'docs'), options.roots);
  if (typeof folder !== 'object') return failed(folder);
  const found = await filesOf(context, folder.path);
  const reading = await readAll(context, found);
  if (reading.documents.length === 0) return failed(emptyBecause(reading.skipped.map(({ reason }) => reason)));
  const corpus: Corpus = {
    collectedAtMs: context.request.requestedAtMs,
    maxAgeMs: maxAgeOf(context),
    documents: reading.documents,
    skipped: reading.skipped.slice(0, limits.documentsMax),
  };
  const freshAtMs = Math.min(...corpus.documents.map((document) => document.modifiedAtMs));
  const refs = [...new Set(corpus.documents.map((document) => document.textHash))];
  return { outcome: 'proposed', artifacts: [{ type: 'corpus', body: context.write(corpusContract, corpus), evidence: [], confidence: 1, freshAtMs, refs }] };
}

const failed = (code: CollectorFailure): StepOutcome => ({ outcome: 'failed', code, retryable: code === 'source-unreadable' });

/** The real folder, when it is inside an allowed one. What lies outside is not even told to exist. */
async function allowedFolder(docs: string, roots: readonly string[]): Promise<{ readonly path: string } | CollectorFailure> {
  const wanted = resolve(docs);
  const realRoots = (await Promise.all(roots.map((root) => realpath(resolve(root)).catch(() => null)))).filter((root) => root !== null);
  const named = roots.some((root) => isInside(resolve(root), wanted)) || realRoots.some((root) => isInside(root, wanted));
  if (!named) return 'source-forbidden';
  const real = await realpath(wanted).catch(() => null);
  if (real === null) return 'source-missing';
  if (!realRoots.some((root) => isInside(root, real))) return 'source-forbidden';
  const isFolder = await stat(real).then((found) => found.isDirectory(), () => false);
  return isFolder ? { path: real } : 'source-missing';
}

async function filesOf(context: StepContext, root: string): Promise<FoundFiles> {
  const include = context.request.params['include'];
  if (!Array.isArray(include)) return walkDocuments(root, context.signal);
  const files: FoundFile[] = [];
  const skipped: { id: string; reason: SkipReason }[] = [];
  for (const id of include.slice(0, limits.documentsMax)) {
    if (typeof id !== 'string' || !corpusContract.rules.safeParse({ collectedAtMs: 0, maxAgeMs: 0, documents: [], skipped: [{ id, reason: 'unreadable' }] }).success) continue;
    const real = await realpath(resolve(root, id)).catch(() => null);
    if (real === null) skipped.push({ id, reason: 'unreadable' });
    else if (!isInside(root, real)) skipped.push({ id, reason: 'outside-root' });
    else files.push({ id, path: real });
  }
  return { files, skipped };
}

async function readAll(context: StepContext, found: FoundFiles): Promise<{ documents: CorpusDocument[]; skipped: { id: string; reason: SkipReason }[] }> {
  const documents: CorpusDocument[] = [];
  const skipped = [...found.skipped];
  const maxAgeMs = maxAgeOf(context);
  const waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let totalBytes = 0;
  const put = async (): Promise<void> => {
    if (waiting.length > 0) await context.bodies.put(waiting.splice(0));
    waitingBytes = 0;
  };
  for (const file of found.files) {
    context.signal.throwIfAborted();
    const read = await readFileBounded(file.path);
    const content = read === null ? null : readDocument(file.id, read.bytes);
    const reason = read === null || content === null ? 'unreadable' : !content.ok ? content.reason : isStale(context, read.modifiedAtMs, maxAgeMs) ? 'stale' : null;
    const body = content?.ok === true ? Buffer.from(content.text) : null;
    if (reason !== null || read === null || body === null || content?.ok !== true) {
      skipped.push({ id: file.id, reason: reason ?? 'unreadable' });
      continue;
    }
    if (body.length > limits.documentBytesMax || (totalBytes += body.length) > limits.corpusBytesMax) {
      skipped.push({ id: file.id, reason: body.length > limits.documentBytesMax ? 'too-large' : 'limit-reached' });
      continue;
    }
    const textHash = contentHash(body);
    if (!documents.some((document) => document.textHash === textHash)) waiting.push(body);
    documents.push({ id: file.id, textHash, sourceHash: contentHash(read.bytes), mediaType: content.mediaType, bytes: body.length, modifiedAtMs: read.modifiedAtMs });
    if ((waitingBytes += body.length) >= putBytesMax) await put();
  }
  await put();
  return { documents, skipped };
}

function maxAgeOf(context: StepContext): number {
  const value = context.request.params['maxAgeMs'];
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

const isStale = (context: StepContext, modifiedAtMs: number, maxAgeMs: number): boolean => maxAgeMs > 0 && context.request.requestedAtMs - modifiedAtMs > maxAgeMs;

function emptyBecause(reasons: readonly SkipReason[]): CollectorFailure {
  if (reasons.includes('stale')) return 'source-stale';
  return reasons.some((reason) => reason !== 'unsupported-type') ? 'source-unreadable' : 'source-empty';
}
