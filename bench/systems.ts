// What is measured, in the order in which it takes its turns.

export type ServerName = 'kafka' | 'postgres';

export type Measure = 'latency' | 'fact-latency' | 'throughput' | 'fact-throughput' | 'slow-steps';

export interface SystemChoice {
  readonly name: string;
  readonly program: URL;
  /** Servers of the run that it shares, whose processor time counts as its own while it is measured. */
  readonly servers: readonly ServerName[];
  /** Its database on the run's Postgres; none where it makes its own. */
  readonly database?: string;
  readonly setup?: Readonly<Record<string, unknown>>;
  /** Another name for the same processes in another mode: they are started once. `isNew`: one of them has had nothing to do before. */
  readonly modeOf?: { readonly system: string; readonly mode: string; readonly isNew?: true };
  /** In flight at saturation: what its documentation or a sweep found best. */
  readonly inFlight: number;
  /** Share of the jobs of a throughput run: slow systems get fewer, so that each takes about as long. */
  readonly share: number;
  /** In each turn; a system that has none gets the last one alone. */
  readonly measures: readonly Measure[];
  /** In the last turn alone: no target is held against them, or they are so far from one that a turn says enough. */
  readonly onceMeasures?: readonly Measure[];
  /** In the last turn alone, after its measures. */
  readonly stages?: readonly string[];
  /** What a reader should know before comparing. */
  readonly unfair?: string;
}

const ours = (file: string): URL => new URL(`systems/${file}.js`, import.meta.url);
/** Peers are plain modules beside the sources: they are not compiled. */
const peer = (root: string, file: string): URL => new URL(`bench/peers/${file}.mjs`, root);

const ofPeers = { measures: ['latency', 'throughput'], onceMeasures: ['slow-steps'] } as const;

/** @param root URL of the project's folder. */
export function allSystems(root: string): readonly SystemChoice[] {
  return [
    {
      name: 'blackboard', program: ours('kafka'), servers: ['kafka', 'postgres'], setup: { door: 'log' }, inFlight: 256, share: 1,
      measures: ['latency', 'fact-latency', 'throughput', 'fact-throughput', 'slow-steps'], stages: ['steady', 'fold', 'decode', 'decisions', 'replay', 'drain'],
    },
    { name: 'blackboard-flushed', program: ours('kafka'), servers: ['kafka', 'postgres'], modeOf: { system: 'blackboard', mode: 'flushed' }, inFlight: 256, share: 0.5, measures: ['latency', 'fact-latency', 'throughput'], unfair: 'the same processes, while the broker flushes each record of both topics to disk before it answers (flush.messages=1): durable as Postgres with fsync is' },
    { name: 'blackboard-http', program: ours('kafka'), servers: ['kafka', 'postgres'], modeOf: { system: 'blackboard', mode: 'http', isNew: true }, inFlight: 256, share: 0.5, measures: ['latency', 'throughput'], unfair: 'the same processes, submitted over HTTP, as Restate is; the others submit without a network hop of their own' },
    { name: 'blackboard-one-process', program: ours('one-process'), servers: ['kafka', 'postgres'], setup: { world: 'kafka' }, inFlight: 256, share: 0.5, measures: [], onceMeasures: ['latency', 'fact-latency', 'throughput'] },
    { name: 'restate', program: peer(root, 'restate'), servers: [], inFlight: 256, share: 0.5, ...ofPeers },
    { name: 'dbos', program: peer(root, 'dbos'), servers: ['postgres'], database: 'dbos', inFlight: 64, share: 0.3, ...ofPeers, unfair: 'no queue: started in the driver, so nothing is submitted from elsewhere' },
    { name: 'langgraph', program: peer(root, 'langgraph'), servers: ['postgres'], database: 'langgraph', inFlight: 64, share: 0.15, ...ofPeers, unfair: 'no queue and no recovery by itself: a caller must invoke the thread again after a crash' },
    { name: 'temporal', program: peer(root, 'temporal/temporal'), servers: ['postgres'], inFlight: 256, share: 0.05, measures: [], onceMeasures: ['latency', 'throughput'], unfair: 'built for many machines and a queryable history, which W3 does not ask for' },
    { name: 'graphile-worker', program: peer(root, 'graphile'), servers: ['postgres'], database: 'graphile', inFlight: 256, share: 0.3, measures: [], onceMeasures: ['latency', 'throughput', 'slow-steps'], unfair: 'a plain queue: no history, no workflow; a step and its successor are two transactions' },
    { name: 'bullmq', program: peer(root, 'bullmq'), servers: [], inFlight: 256, share: 1, ...ofPeers, unfair: 'a queue in memory with an append-only file: no log, no gate, no audit' },
    { name: 'blackboard-embedded', program: ours('one-process'), servers: [], setup: { world: 'embedded' }, inFlight: 256, share: 0.5, measures: ['latency', 'fact-latency', 'throughput'], unfair: 'one process with PGlite, nothing to install; its log is flushed with each append, but PGlite flushes nothing, which the others\' Postgres does' },
  ];
}
