// What the agents of a brief read: the corpus and its documents, the plan, the verified findings. Documents are named
// by the hash of their text, so an index that was built once serves every job over the same documents.

import { contentHash } from '../blackboard/ids.js';
import { BlackboardError } from '../runtime/errors.js';
import type { CitedFinding } from '../../workflows/brief/compose-brief.js';
import { corpusContract, findingContract, planContract } from '../../workflows/brief/contracts.js';
import type { Corpus, Plan } from '../../workflows/brief/contracts.js';
import { indexPassages } from '../../workflows/brief/rank-passages.js';
import type { PassageIndex, SourceDocument } from '../../workflows/brief/rank-passages.js';
import type { InputArtifact, StepContext } from './sdk/agent.js';

const readsAtOnceMax = 8;
const indexesKeptMax = 8;
const indexes = new Map<string, { readonly index: PassageIndex; readonly sources: readonly SourceDocument[] }>();

/** The corpus among the inputs, or null. */
export async function corpusOf(context: StepContext): Promise<Corpus | null> {
  const input = inputOf(context, corpusContract.name);
  return input === undefined ? null : context.read(corpusContract, input);
}

/** The plan among the inputs, or null. */
export async function planOf(context: StepContext): Promise<Plan | null> {
  const input = inputOf(context, planContract.name);
  return input === undefined ? null : context.read(planContract, input);
}

/** Every verified finding among the inputs, in their order. */
export async function findingsOf(context: StepContext): Promise<readonly CitedFinding[]> {
  const inputs = context.request.inputs.filter((input) => input.contract === findingContract.name);
  return mapInTurns(inputs, async (input) => ({ hash: input.hash, finding: await context.read(findingContract, input) }));
}

/** Canonical text of a document, or null when the step may not read that hash. @throws BlackboardError for other trouble. */
export async function documentText(context: StepContext, hash: string): Promise<string | null> {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await context.bodies.get(hash));
  } catch (error) {
    if (error instanceof TypeError || (error instanceof BlackboardError && error.code === 'BODY_NOT_FOUND')) return null;
    throw error;
  }
}

/** The documents of the corpus that the step was given and the search index over them. */
export async function passagesOf(context: StepContext): Promise<{ readonly index: PassageIndex; readonly sources: readonly SourceDocument[] }> {
  const input = inputOf(context, corpusContract.name);
  const corpus = input === undefined ? null : await context.read(corpusContract, input);
  // By what the documents are, not by the corpus: another job over the same folder has another corpus of the same texts.
  const key = corpus === null ? '' : contentHash(Buffer.from(JSON.stringify(corpus.documents)));
  const known = indexes.get(key);
  if (known !== undefined) return known;
  const read = await mapInTurns(corpus?.documents ?? [], async (document) => ({ document, text: await documentText(context, document.textHash) }));
  const sources = read.flatMap(({ document, text }) => (text === null ? [] : [{ document, text }]));
  const built = { index: indexPassages(sources), sources };
  // An index over part of a corpus must not stand for the whole of it later.
  if (corpus !== null && sources.length === read.length) remember(key, built);
  return built;
}

function remember(hash: string, built: { readonly index: PassageIndex; readonly sources: readonly SourceDocument[] }): void {
  const oldest = indexes.size >= indexesKeptMax ? indexes.keys().next().value : undefined;
  if (oldest !== undefined) indexes.delete(oldest);
  indexes.set(hash, built);
}

function inputOf(context: StepContext, contract: string): InputArtifact | undefined {
  return context.request.inputs.find((input) => input.contract === contract);
}

/** Maps with at most eight calls under way, keeping the order. */
async function mapInTurns<T, R>(values: readonly T[], map: (value: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (let from = 0; from < values.length; from += readsAtOnceMax) results.push(...(await Promise.all(values.slice(from, from + readsAtOnceMax).map(map))));
  return results;
}

/** A parameter of the step that must be a text. @throws BlackboardError INPUT_INVALID naming it. */
export function textParam(context: StepContext, name: string): string {
  const value = context.request.params[name];
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new BlackboardError('INPUT_INVALID', `params.${name} of step ${context.request.step} must be a text that is not empty; name it when you submit the job`, { field: `params.${name}` });
}
