// The findings as one row per invariant, with what was looked at.

import { counted } from '../runtime/counted.js';
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
    case 'I1': return `${counted(figures.accepted, 'job')} accepted, ${figures.ended} ended, ${figures.openJobs} open${isAtRest ? '' : ' (may be under way)'}`;
    case 'I2': return counted(history ?? 0, 'submission');
    case 'I4': return hasKeys ? `${counted(figures.claims, 'signature')} checked, ${figures.unauthentic - figures.underKeysNotHeld} false and refused${figures.underKeysNotHeld === 0 ? '' : `, ${figures.underKeysNotHeld} under keys that the owner did not hold`}` : 'signatures as recorded: no keys were given';
    case 'I6': return `${counted(decisions ?? 0, 'decision')} taken again${snapshots === null ? '' : `, ${counted(snapshots, 'snapshot')} compared`}`;
    case 'I7': return `${counted(figures.decisions, 'decision')}, ${counted(figures.epochs, 'epoch')}, ${counted(figures.stale, 'stale fact')}`;
    case 'I10': return `${counted(figures.ended, 'job')}; nothing enforces caps yet: ${figures.overCap} above theirs`;
    case 'I12': return counted(figures.rows, 'row');
    case 'I13': return `${counted(figures.decisions, 'claim')}; ${grants === null ? 'grants not looked at: no database was given' : `${counted(grants, 'grant')}; rows are not chained by hashes`}`;
    case 'I14': return `${counted(figures.claims, 'claim')}, ${figures.undecided} not decided yet`;
    case 'I15': return `${counted(figures.claims + figures.facts, 'record')} in ${counted(figures.partitions, 'partition')}`;
    default: return counted(figures.facts, 'fact');
  }
}
