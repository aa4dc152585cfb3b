// Accounts for every hostile record from the log alone: exactly one answer at its offset, with the reason that the log's
// order at that place asks for, and no other effect; and for every honest job: its end, its result, how long it took.
// Shares no code with judge or fold: what is open where is counted here from the facts.

import type { Fact } from '../../../schemas/generated/events.js';
import { contentHash } from '../../blackboard/ids.js';
import { encodeBody } from '../../runtime/codec/contract-codec.js';
import { noteContract } from '../../../workflows/noop/contracts.js';
import type { Cluster } from '../cluster.js';
import type { Book, SentRecord } from './book.js';
import type { Kind } from './kind.js';

export interface KindRow {
  readonly kind: string;
  sent: number;
  /** Answer → how often. */
  readonly answers: Record<string, number>;
}

export interface Account {
  readonly rows: readonly KindRow[];
  /** What did not go as it must; the first of them, and how many there are. */
  readonly problems: readonly string[];
  readonly problemCount: number;
  readonly accepted: number;
  readonly refused: number;
  readonly deadLettered: number;
  readonly atTheDoor: number;
  readonly honestEnded: number;
  /** Phase → ms from the append of the submission to the append of the end. */
  readonly latenciesMs: ReadonlyMap<number, readonly number[]>;
}

type ReadLog = Pick<Cluster, 'log' | 'topics' | 'codec'>;

/** Facts by which a claim has another effect than its refusal; on the adversary's own traps the last three are its refusal's. */
const effects: ReadonlySet<Fact['type']> = new Set(['JobAccepted', 'ArtifactVerified', 'ArtifactRejected', 'VerificationRequested', 'StepCompleted', 'PlanExpanded', 'TickObserved', 'PolicyAdopted', 'ClaimParked']);
const problemsShownMax = 20;

export async function account(cluster: ReadLog, book: Book, kinds: readonly Kind[]): Promise<Account> {
  const ledger = new Ledger(book, kinds);
  for (const { partition } of await cluster.log.ranges(cluster.topics.verified)) {
    ledger.beginPartition();
    for await (const batch of cluster.log.read({ topic: cluster.topics.verified, partition, from: 0 })) {
      for (const record of batch) ledger.add(cluster.codec.decodeFact(record.value) as Fact, record);
    }
  }
  const letters = new Map<string, number>();
  for await (const batch of cluster.log.read({ topic: cluster.topics.deadLetter, partition: 0, from: 0 })) {
    for (const record of batch) letters.set(record.key.toString(), (letters.get(record.key.toString()) ?? 0) + 1);
  }
  return ledger.close(letters, cluster.topics.quarantine);
}

class Ledger {
  readonly #rows: Map<string, KindRow>;
  readonly #answered = new Map<string, string>();
  readonly #problems: string[] = [];
  #problemCount = 0;
  #accepted = 0;
  #epoch = -1;
  /** `job/instance` → step → the attempt that is open there. */
  #open = new Map<string, Map<string, number>>();
  #ended = new Set<string>();
  readonly #honestEnds = new Set<string>();
  readonly #latenciesMs = new Map<number, number[]>();

  constructor(private readonly book: Book, kinds: readonly Kind[]) {
    this.#rows = new Map(kinds.map(({ name }) => [name, { kind: name, sent: 0, answers: {} }]));
    for (const { kind } of book.sent.values()) this.#rowOf(kind.name).sent += 1;
    for (const [name, count] of book.atTheDoor) {
      const row = this.#rowOf(name);
      row.sent += count;
      row.answers['refused by the log'] = count;
    }
  }

  beginPartition(): void {
    this.#epoch = -1;
  }

  add(fact: Fact, { partition, offset, appendTimeMs }: { readonly partition: number; readonly offset: number; readonly appendTimeMs: number }): void {
    if (fact.type === 'EpochStarted') this.#epoch = offset;
    else if (fact.epoch !== this.#epoch) return;
    const place = `${partition}/${fact.cause}`;
    const sent = fact.cause < 0 ? undefined : this.book.sent.get(place);
    if (sent !== undefined) this.#caused(fact, place, sent);
    this.#note(fact, appendTimeMs);
  }

  #caused(fact: Fact, place: string, sent: SentRecord): void {
    const answer = fact.type === 'ClaimRefused' ? `refused: ${fact.reason}` : fact.type === 'ClaimDeadLettered' ? `dead letter: ${fact.reason}` : fact.type === 'ClaimParked' ? 'parked' : '';
    if (answer !== '') {
      if (this.#answered.has(place)) this.#problem(`${place} (${sent.kind.name}) is answered twice`);
      this.#answered.set(place, answer);
      const { answers } = this.#rowOf(sent.kind.name);
      answers[answer] = (answers[answer] ?? 0) + 1;
      const expected = this.#expected(sent);
      if (answer !== expected) this.#problem(`${place} (${sent.kind.name}) is "${answer}" where "${expected}" is right`);
    }
    if (effects.has(fact.type)) {
      this.#accepted += 1;
      this.#problem(`${place} (${sent.kind.name}) led to ${fact.type}`);
    } else if (answer === '' && this.book.honest.has(fact.job)) this.#problem(`${place} (${sent.kind.name}) led to ${fact.type} of the honest job ${fact.job}`);
  }

  #expected({ kind, job, step, attempt }: SentRecord): string {
    const { expects } = kind;
    if ('deadLetter' in expects) return `dead letter: ${expects.deadLetter}`;
    if ('atTheDoor' in expects) return 'refused by the log';
    if (expects.holds !== 'always' && this.#ended.has(job)) return 'refused: job-ended';
    if (expects.holds === 'attempt-open' && this.#open.get(job)?.get(step) !== attempt) return 'refused: late-attempt';
    return `refused: ${expects.refused}`;
  }

  #note(fact: Fact, appendTimeMs: number): void {
    const job = `${fact.job}/${fact.instance}`;
    switch (fact.type) {
      case 'StepRequested': case 'VerificationRequested':
        this.#open.set(job, (this.#open.get(job) ?? new Map<string, number>()).set(fact.step, fact.attempt));
        return;
      case 'StepCompleted': case 'AttemptFailed': this.#open.get(job)?.delete(fact.step); return;
      case 'JobEnded': {
        this.#ended.add(job);
        this.#open.delete(job);
        const honest = this.book.honest.get(fact.job);
        if (honest === undefined) return;
        if (this.#honestEnds.has(fact.job)) this.#problem(`the honest job ${fact.job} ended twice`);
        this.#honestEnds.add(fact.job);
        const wanted = contentHash(encodeBody(noteContract, { text: `${fact.job} two 1 `.padEnd(300, '.') }));
        if (fact.outcome !== 'completed' || fact.result.hash !== wanted) this.#problem(`the honest job ${fact.job} ended ${fact.outcome} ${fact.reason} with another result than its own`);
        const tookMs = this.#latenciesMs.get(honest.phase) ?? [];
        this.#latenciesMs.set(honest.phase, tookMs);
        tookMs.push(appendTimeMs - honest.submittedAtMs);
        return;
      }
      default:
    }
  }

  close(letters: ReadonlyMap<string, number>, quarantine: string): Account {
    let [refused, deadLettered] = [0, 0];
    for (const [place, { kind }] of this.book.sent) {
      const answer = this.#answered.get(place);
      if (answer === undefined) this.#problem(`${place} (${kind.name}) has no answer`);
      const wanted = answer?.startsWith('dead letter') === true ? 1 : 0;
      if ((letters.get(`${quarantine}/${place}`) ?? 0) !== wanted) this.#problem(`${place} (${kind.name}) has ${letters.get(`${quarantine}/${place}`) ?? 0} dead letters where ${wanted} is right`);
      if (wanted === 1) deadLettered += 1;
      else if (answer !== undefined) refused += 1;
    }
    for (const job of this.book.honest.keys()) if (!this.#honestEnds.has(job)) this.#problem(`the honest job ${job} has no end`);
    return {
      rows: [...this.#rows.values()], problems: this.#problems, problemCount: this.#problemCount, accepted: this.#accepted, refused, deadLettered,
      atTheDoor: [...this.book.atTheDoor.values()].reduce((sum, count) => sum + count, 0), honestEnded: this.#honestEnds.size, latenciesMs: this.#latenciesMs,
    };
  }

  #rowOf(name: string): KindRow {
    const row = this.#rows.get(name);
    if (row === undefined) throw new Error(`no kind is called "${name}"`);
    return row;
  }

  #problem(text: string): void {
    this.#problemCount += 1;
    if (this.#problems.length < problemsShownMax) this.#problems.push(text);
  }
}
