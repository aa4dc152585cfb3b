import type { TopicName } from '../../../topics/topics.js';
import type { LogRecord, Member } from '../../runtime/log/port.js';

interface Session {
  readonly session: number;
  readonly startedAt: number;
}

const unbegun: Session = { session: -1, startedAt: -1 };

/** Notes where a member is told to begin, partition by partition. */
export class StartWatch {
  readonly #sessions = new Map<TopicName, Session[]>();
  #isWatched = false;
  #next = 0;

  constructor(readonly reader: string) {}

  /** To be called with each assignment; the member stays the same object. */
  watch(member: Member): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    const start = member.start.bind(member);
    member.start = (topic, partition, offset) => {
      const sessions = this.#sessions.get(topic) ?? [];
      this.#sessions.set(topic, sessions);
      sessions[partition] = { session: this.#next++, startedAt: offset };
      start(topic, partition, offset);
    };
  }

  /** What was not started and is delivered all the same is in a session that nobody began: nothing is due in it. */
  of({ topic, partition }: Pick<LogRecord, 'topic' | 'partition'>): Session {
    return this.#sessions.get(topic)?.[partition] ?? unbegun;
  }
}
