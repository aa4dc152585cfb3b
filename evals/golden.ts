// The golden set: questions over documents of pinned packages. One half tunes thresholds, the other is only reported.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { contentHash } from '../services/blackboard/ids.js';
import { projectRoot } from '../services/runtime/project-root.js';
import type { Corpus } from '../workflows/brief/contracts.js';
import { readDocument } from '../workflows/brief/read-document.js';
import type { SourceDocument } from '../workflows/brief/rank-passages.js';

const goldenSchema = z.strictObject({
  documents: z.array(z.strictObject({ path: z.string(), package: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })).min(1),
  questions: z.array(
    z.strictObject({
      id: z.string(),
      half: z.enum(['tune', 'report']),
      question: z.string().min(1),
      /** The passage that answers; null: the documents do not answer. */
      expect: z.strictObject({ document: z.string(), contains: z.string().min(1) }).nullable(),
      /** Unanswerable although its words, or most of them, are in the documents. */
      nearMiss: z.boolean().default(false),
    }),
  ),
});
export type Golden = z.output<typeof goldenSchema>;
export type GoldenQuestion = Golden['questions'][number];

/** Reads evals/golden.json. @throws ZodError naming field and rule. */
export function readGolden(): Golden {
  return goldenSchema.parse(JSON.parse(readFileSync(join(projectRoot, 'evals', 'golden.json'), 'utf8')));
}

export interface GoldenCorpus {
  readonly corpus: Corpus;
  readonly sources: readonly SourceDocument[];
  /** Documents that are not what the golden set was written for: missing, or another hash. */
  readonly changed: readonly string[];
}

/** Reads the pinned documents from node_modules, with a fixed time stamp so that every run is the same. */
export function readGoldenCorpus(golden: Golden): GoldenCorpus {
  const sources: SourceDocument[] = [];
  const changed: string[] = [];
  for (const document of golden.documents) {
    const bytes = readOrNull(join(projectRoot, 'node_modules', document.path));
    const content = bytes === null ? null : readDocument(document.path, bytes);
    if (bytes === null || content?.ok !== true) {
      changed.push(`${document.path}: cannot be read (${content?.ok === false ? content.reason : 'missing'})`);
      continue;
    }
    if (contentHash(bytes) !== document.sha256) changed.push(`${document.path}: is not that of ${document.package}`);
    const body = Buffer.from(content.text);
    sources.push({ text: content.text, document: { id: document.path, textHash: contentHash(body), sourceHash: contentHash(bytes), mediaType: content.mediaType, bytes: body.length, modifiedAtMs: 0 } });
  }
  return { corpus: { collectedAtMs: 0, maxAgeMs: 0, documents: sources.map(({ document }) => document), skipped: [] }, sources, changed };
}

function readOrNull(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}
