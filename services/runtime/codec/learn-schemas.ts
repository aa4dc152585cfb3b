// Learning the schema ids that a log names, for one reading of it: each is asked for once, several at a time. Strangers
// write to quarantine too, so that ever new ids may be named: after some misses the rest counts as unknown unasked.

import { BlackboardError } from '../errors.js';
import type { EventCodec } from './event-codec.js';

/** Teaches the codec a schema id that it does not know. @throws BlackboardError SCHEMA_UNKNOWN, SCHEMA_INCOMPATIBLE: nobody can read it; all else is no answer. */
export type Learn = (id: number) => Promise<void>;

export interface LearningBounds {
  /** Ids that nobody can read, after which no further ones are asked for. Default 256. */
  readonly missesMax?: number;
  /** Default 16. */
  readonly atOnceMax?: number;
}

/** Bounds `ask`. `onGivenUp` is told once, in words, when no more is asked for. */
export function boundedLearning(ask: Learn, onGivenUp: (text: string) => void, { missesMax = 256, atOnceMax = 16 }: LearningBounds = {}): Learn {
  const answers = new Map<number, Promise<void>>();
  const waiting: (() => void)[] = [];
  let free = atOnceMax;
  let misses = 0;
  const miss = (): void => {
    misses += 1;
    if (misses === missesMax) onGivenUp(`the log names ${missesMax} schema ids that nobody can read; further ones that are not known here are not asked for and count as unknown`);
  };
  const learn: Learn = async (id) => {
    if (free === 0) await new Promise<void>((resolve) => { waiting.push(resolve); });
    else free -= 1;
    try {
      if (misses >= missesMax) throw notAsked(id);
      await ask(id);
    } catch (error) {
      if (!isUnreadable(error) || misses >= missesMax) answers.delete(id);
      if (isUnreadable(error) && misses < missesMax) miss();
      throw error;
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
  return (id) => {
    const known = answers.get(id);
    if (known !== undefined) return known;
    if (misses >= missesMax) return Promise.reject(notAsked(id));
    const answer = learn(id);
    answers.set(id, answer);
    return answer;
  };
}

/** Learns what these records name and the codec does not know; what nobody can read stays unknown. Returns the known ids. */
export async function learnSchemas(values: readonly Buffer[], codec: EventCodec, learn: Learn | undefined): Promise<ReadonlySet<number>> {
  const ids = new Set<number>();
  for (const value of values) if (value.length >= 5 && value[0] === 0) ids.add(value.readInt32BE(1));
  if (learn !== undefined) {
    await Promise.all([...ids].filter((id) => id >= 0 && !codec.knows(id)).map((id) => learn(id).catch((error: unknown) => {
      if (!isUnreadable(error)) throw error;
    })));
  }
  return new Set([...ids].filter((id) => codec.knows(id)));
}

/** Nobody knows it, or it is foreign: then it was not known to the orchestrator either. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof BlackboardError && (error.code === 'SCHEMA_UNKNOWN' || error.code === 'SCHEMA_INCOMPATIBLE');
}

function notAsked(id: number): BlackboardError {
  return new BlackboardError('SCHEMA_UNKNOWN', `schema id ${id} is not known, and was not asked for after so many others that nobody can read`, { id });
}
