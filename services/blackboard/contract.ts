import type { ZodType } from 'zod';

/**
 * What an artifact body must be: Avro for the wire, zod for the rules that Avro cannot say. A contract is named
 * `name@version`; a changed rule is a new version, so that an old decision can be taken again under its own rules.
 */
export interface Contract<T = unknown> {
  /** `finding@1`: lower-case name, `@`, whole number. */
  readonly name: string;
  /** Avro schema of the body, as JSON. */
  readonly avro: unknown;
  /** Rules over the decoded body; the message of an issue is a rule, never a quotation of the body. */
  readonly rules: ZodType<T>;
  /** The artifact must carry at least one evidence reference. */
  readonly evidenceRequired: boolean;
}
