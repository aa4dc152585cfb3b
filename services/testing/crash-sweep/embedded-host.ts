// The whole of `up` on one folder, in one process at a time: started, killed by itself at a seam, started again.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { topicNames, type TopicName } from '../../../topics/topics.js';
import { embeddedCodec } from '../../runtime/codec/embedded-codec.js';
import { openEmbeddedLogReadOnly } from '../../runtime/log/embedded/read-only-log.js';
import type { LogRecord, RecordToAppend } from '../../runtime/log/port.js';
import { projectRoot } from '../../runtime/project-root.js';
import { killText, type Kill } from '../../runtime/seams.js';
import type { Question } from './embedded-child.js';
import type { Host } from './rounds.js';

type Asked = Question extends infer Q ? Q extends Question ? Omit<Q, 'id'> : never : never;

interface Life {
  readonly child: ChildProcess;
  readonly startedMs: number;
  url: string | null;
  readonly exited: Promise<{ readonly signal: string | null; readonly code: number | null }>;
}

export class EmbeddedHost implements Host {
  readonly topics = topicNames();
  readonly codec = embeddedCodec(join(projectRoot, 'schemas'));
  readonly waitS = 5;
  readonly dataDir: string;
  /** A line per run of an agent. */
  readonly runsFile: string;
  readonly #logFile: string;
  readonly #answers = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #life: Life | null = null;
  #questions = 0;
  #isOver = false;

  constructor(folder: string) {
    this.dataDir = join(folder, 'data');
    this.runsFile = join(folder, 'runs.txt');
    this.#logFile = join(folder, 'process.log');
  }

  /** Starts the process that will die at `kill`, or that will not. */
  start(kill: Kill | null): void {
    const log = openSync(this.#logFile, 'a');
    const { BLACKBOARD_KILL_AT: _none, ...env } = process.env;
    const child = fork(fileURLToPath(new URL('embedded-child.js', import.meta.url)), {
      env: { ...env, CRASH_SWEEP_DATA: this.dataDir, CRASH_SWEEP_RUNS: this.runsFile, ...(kill === null ? {} : { BLACKBOARD_KILL_AT: killText(kill) }) },
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    const exited = once(child, 'exit').then(([code, signal]) => {
      for (const { reject } of this.#answers.values()) reject(new Error('the process has ended'));
      this.#answers.clear();
      if (this.#life?.child === child) this.#life = null;
      return { code: code as number | null, signal: signal as string | null };
    });
    const life: Life = { child, startedMs: performance.now(), url: null, exited };
    this.#life = life;
    child.on('message', (message: { readonly url?: string; readonly id?: number; readonly value?: unknown; readonly error?: string }) => {
      if (message.url !== undefined) life.url = message.url;
      const waiting = this.#answers.get(message.id ?? -1);
      this.#answers.delete(message.id ?? -1);
      if (message.error === undefined) waiting?.resolve(message.value);
      else waiting?.reject(new Error(message.error));
    });
  }

  /** How long the process lived when it died by SIGKILL; null: it did not within the patience, and was ended here. @throws when it ended otherwise. */
  async death(patienceMs: number): Promise<number | null> {
    const life = this.#living();
    const cancel = new AbortController();
    const end = await Promise.race([life.exited, sleep(patienceMs, null, { signal: cancel.signal }).catch(() => null)]);
    cancel.abort();
    if (end === null) {
      life.child.kill('SIGKILL');
      await life.exited;
      return null;
    }
    if (end.signal !== 'SIGKILL') throw new Error(`the process ended by itself (${end.code ?? end.signal}): ${this.#said()}`);
    return performance.now() - life.startedMs;
  }

  /** Ends the process as an operator does. @throws when it does not end well. */
  async stop(): Promise<void> {
    const life = this.#living();
    life.child.kill('SIGTERM');
    const end = await Promise.race([life.exited, sleep(30_000, null, { ref: false })]);
    if (end?.code !== 0) throw new Error(`the process did not end well on SIGTERM (${end === null ? 'not within 30 s' : end.code ?? end.signal}): ${this.#said()}`);
  }

  /** Ends whatever runs, and every wait for it. */
  async abandon(): Promise<void> {
    this.#isOver = true;
    const life = this.#life;
    life?.child.kill('SIGKILL');
    await life?.exited;
  }

  async url(): Promise<string> {
    while (this.#life?.url == null) {
      if (this.#isOver) throw new Error('the sweep is over');
      await sleep(10);
    }
    return this.#life.url;
  }

  /** Beside the process that writes it. */
  async *facts(partition: number): AsyncIterable<readonly LogRecord[]> {
    await this.url();
    const log = openEmbeddedLogReadOnly(join(this.dataDir, 'log'));
    try {
      yield* log.read({ topic: this.topics.verified, partition, from: 0 });
    } finally {
      await log.close();
    }
  }

  append(topic: TopicName, partition: number, { key, value }: RecordToAppend): Promise<unknown> {
    return this.ask({ ask: 'append', topic, partition, key: key.toString('latin1'), value: value.toString('base64') });
  }

  /** @throws when the process ends before it answers. */
  async ask<T>(question: Asked): Promise<T> {
    await this.url();
    const id = (this.#questions += 1);
    return new Promise<T>((resolve, reject) => {
      this.#answers.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#life?.child.send({ ...question, id }, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  #living(): Life {
    if (this.#life === null) throw new Error('no process runs');
    return this.#life;
  }

  #said(): string {
    return readFileSync(this.#logFile, 'utf8').slice(-2_000);
  }
}
