// Every place where a process reaches out of itself and something hangs on it: all writes, and the reads that a start
// or a promise waits for. A crash can be put before and after each of them; the crash sweep reports all of them, so
// that a seam nobody reaches is a failure of the sweep. Numbers are never used again for another place.

/** The folder of `services/` that holds the seam; `setup` is what makes a deployment's servers or folder. */
export type SeamProcess = 'setup' | 'ingress' | 'orchestrator' | 'agents' | 'gateway' | 'projector' | 'snapshots' | 'bridge';
export type SeamMode = 'embedded' | 'kafka';

export interface Seam {
  readonly number: number;
  readonly name: string;
  readonly process: SeamProcess;
  /** Where it exists; both unless given. */
  readonly only?: SeamMode;
}

export const seamCatalogue = [
  { number: 1, name: 'setup.open-log', process: 'setup', only: 'embedded' },
  { number: 2, name: 'setup.make-keys', process: 'setup', only: 'embedded' },
  { number: 3, name: 'setup.migrate', process: 'setup' },
  { number: 4, name: 'setup.apply-topics', process: 'setup', only: 'kafka' },
  { number: 5, name: 'setup.register-schemas', process: 'setup', only: 'kafka' },
  { number: 6, name: 'ingress.append-submission', process: 'ingress' },
  { number: 7, name: 'ingress.append-cancellation', process: 'ingress' },
  { number: 8, name: 'ingress.read-rows', process: 'ingress' },
  { number: 9, name: 'ingress.fetch-body', process: 'ingress' },
  { number: 10, name: 'orchestrator.join', process: 'orchestrator' },
  { number: 11, name: 'orchestrator.append-marker', process: 'orchestrator' },
  { number: 12, name: 'orchestrator.read-committed', process: 'orchestrator' },
  { number: 13, name: 'orchestrator.read-back', process: 'orchestrator' },
  { number: 14, name: 'orchestrator.append-checkpoint', process: 'orchestrator' },
  { number: 15, name: 'orchestrator.append-decision', process: 'orchestrator' },
  { number: 16, name: 'orchestrator.append-dead-letter', process: 'orchestrator' },
  { number: 17, name: 'orchestrator.append-tick', process: 'orchestrator' },
  { number: 18, name: 'orchestrator.renew', process: 'orchestrator' },
  { number: 19, name: 'orchestrator.take-again', process: 'orchestrator' },
  { number: 20, name: 'orchestrator.commit-positions', process: 'orchestrator' },
  { number: 21, name: 'agents.join', process: 'agents' },
  { number: 22, name: 'agents.get-body', process: 'agents' },
  { number: 23, name: 'agents.put-bodies', process: 'agents' },
  { number: 24, name: 'agents.ask-model', process: 'agents' },
  { number: 25, name: 'agents.append-claim', process: 'agents' },
  { number: 26, name: 'agents.commit-positions', process: 'agents' },
  { number: 27, name: 'gateway.join', process: 'gateway' },
  { number: 28, name: 'gateway.put-bodies', process: 'gateway' },
  { number: 29, name: 'gateway.get-body', process: 'gateway' },
  { number: 30, name: 'gateway.ask-model', process: 'gateway' },
  { number: 31, name: 'projector.join', process: 'projector' },
  { number: 32, name: 'projector.read-watermarks', process: 'projector' },
  { number: 33, name: 'projector.commit', process: 'projector' },
  { number: 34, name: 'projector.commit-positions', process: 'projector' },
  { number: 35, name: 'bridge.join', process: 'bridge', only: 'kafka' },
  { number: 36, name: 'bridge.append-submission', process: 'bridge', only: 'kafka' },
  { number: 37, name: 'bridge.commit-positions', process: 'bridge', only: 'kafka' },
  { number: 38, name: 'setup.open-database', process: 'setup', only: 'embedded' },
  { number: 39, name: 'snapshots.join', process: 'snapshots' },
  { number: 40, name: 'snapshots.add', process: 'snapshots' },
] as const satisfies readonly Seam[];

export type SeamName = (typeof seamCatalogue)[number]['name'];

/** The seams that exist in a mode, in the order of their numbers. */
export function seamsOf(mode: SeamMode): readonly (Seam & { readonly name: SeamName })[] {
  return seamCatalogue.filter((seam) => !('only' in seam) || seam.only === mode);
}

export function isSeamName(name: string): name is SeamName {
  return seamCatalogue.some((seam) => seam.name === name);
}
