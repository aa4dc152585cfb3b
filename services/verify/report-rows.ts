// The findings as one row per invariant, with what was looked at.

import { explained } from './explain.js';
import { invariants, type Finding, type Findings, type InvariantName } from './findings.js';
import type { PartitionFigures } from './job-tracks.js';

export interface VerifyRow {
  readonly invariant: InvariantName;
  readonly says: string;
  readonly result: 'PASS' | 'FAIL' | 'NOT CHECKED' | '–';
  /** What was looked at, or why not. */
  readonly figures: string;
  readonly count: number;
  /** The first of them. */
  readonly findings: readonly Finding[];
}

export type VerifyFigures = PartitionFigures & { readonly partitions: number; readonly openJobs: number; readonly undecided: number; readonly rows: number };

export interface Scope {
  readonly figures: VerifyFigures;
  readonly hasKeys: boolean;
  /** Grants that were looked at; null: no database was given. */
  readonly grants: number | null;
  /** Null: decisions were not taken again. */
  readonly decisions: number | null;
  /** Snapshots that were compared; null: not looked at. */
  readonly snapshots: number | null;
  /** Lines of the clients' history; null: none was given. */
  readonly history: number | null;
  readonly isAtRest: boolean;
}

export function reportRows(findings: Findings, scope: Scope): readonly VerifyRow[] {
  return (Object.keys(invariants) as InvariantName[]).map((invariant) => {
    const count = findings.counts.get(invariant) ?? 0;
    const skipped = notChecked(invariant, scope);
    return {
      invariant, says: invariants[invariant], count, findings: findings.kept.filter((finding) => finding.invariant === invariant),
      result: count > 0 ? 'FAIL' : skipped === null ? 'PASS' : invariant === 'I8' || invariant === 'I9' ? '–' : 'NOT CHECKED', figures: skipped ?? figuresOf(invariant, scope),
    };
  });
}

function notChecked(invariant: InvariantName, { grants, decisions, history }: Scope): string | null {
  if (invariant === 'I8' || invariant === 'I9') return explained[invariant].how;
  if (invariant === 'I2' && history === null) return "no client's history was given";
  if (invariant === 'I12' && grants === null) return 'no database was given';
  return invariant === 'I6' && decisions === null ? 'decisions were not taken again' : null;
}

function figuresOf(invariant: InvariantName, { figures, hasKeys, grants, decisions, snapshots, history, isAtRest }: Scope): string {
  switch (invariant) {
    case 'I1': return `${figures.accepted} jobs accepted, ${figures.ended} ended, ${figures.openJobs} open${isAtRest ? '' : ' (may be under way)'}`;
    case 'I2': return `${history} submissions`;
    case 'I4': return hasKeys ? `${figures.claims} signatures checked, ${figures.unauthentic} false ones refused` : 'signatures as recorded: no keys were given';
    case 'I6': return `${decisions} decisions taken again${snapshots === null ? '' : `, ${snapshots} snapshots compared`}`;
    case 'I7': return `${figures.decisions} decisions, ${figures.epochs} epochs, ${figures.stale} stale facts`;
    case 'I10': return `${figures.ended} jobs; nothing enforces caps yet: ${figures.overCap} above theirs`;
    case 'I12': return `${figures.rows} rows`;
    case 'I13': return `${figures.decisions} claims; ${grants === null ? 'grants not looked at: no database was given' : `${grants} grants; rows are not chained by hashes`}`;
    case 'I14': return `${figures.claims} claims, ${figures.undecided} not decided yet`;
    case 'I15': return `${figures.claims + figures.facts} records in ${figures.partitions} partitions`;
    default: return `${figures.facts} facts`;
  }
}
