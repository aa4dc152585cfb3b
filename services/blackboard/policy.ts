// What decisions may read besides the board: workflows, who may do what, and limits. It reaches a partition as a
// fact before any decision reads it, so that every decision can be taken again from the log.

import type { PrincipalRole } from '../../topics/topics.js';
import type { Workflow } from './workflow.js';

export interface PrincipalPolicy {
  readonly role: PrincipalRole;
  /** Agents and verifiers: the agent name they answer for; otherwise empty. */
  readonly agent: string;
  /** Tenants they may speak for; `*`: all. */
  readonly tenants: readonly string[];
}

export interface Policy {
  /** Current definitions, by name. */
  readonly workflows: Readonly<Record<string, Workflow>>;
  /** Definitions that open jobs began with, by version. */
  readonly olderWorkflows: Readonly<Record<string, Workflow>>;
  readonly principals: Readonly<Record<string, PrincipalPolicy>>;
  /** How long a job's id is remembered after its end. */
  readonly rememberMs: number;
  /** Inline bodies up to this size ride in requests. */
  readonly inlineBytesMax: number;
  /** A tenant's open jobs per partition at most. */
  readonly openJobsPerTenantMax: number;
}

export const policyDefaults = { rememberMs: 24 * 3600_000, inlineBytesMax: 16 * 1024, openJobsPerTenantMax: 50_000 } as const;
