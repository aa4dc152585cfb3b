import type { LogRecord, Member } from '../../runtime/log/port.js';

/** Notes where a member is told to begin, partition by partition. */
export class StartWatch {
  readonly #sessions = new Map<string, { readonly session: number; readonly startedAt: number }>();
  #isWatched = false;
  #next = 0;

  constructor(readonly reader: string) {}

  /** To be called with each assignment; the member stays the same object. */
  watch(member: Member): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    const start = member.start.bind(member);
    member.start = (topic, partition, offset) => {
      this.#sessions.set(`${topic}/${partition}`, { session: this.#next++, startedAt: offset });
      start(topic, partition, offset);
    };
  }

  /** What was not started and is delivered all the same is in a session that nobody began: nothing is due in it. */
  of({ topic, partition }: Pick<LogRecord, 'topic' | 'partition'>): { readonly session: number; readonly startedAt: number } {
    return this.#sessions.get(`${topic}/${partition}`) ?? { session: -1, startedAt: -1 };
  }
}
