// One committed audit row as the event stream gives it. Read with a schema, since the URL may lead anywhere.

import { z } from 'zod';
import { CliError } from './exit-codes.js';

const text = z.string().nullish().transform((value) => value ?? '');
const number = z.number().nullish().transform((value) => value ?? null);

const auditEvent = z.object({
  offset: z.number(), partition: z.number(), tsMs: z.number(), eventType: z.string(), node: text, agent: text, agentVersion: text,
  step: text, attempt: number, model: text, rubricScore: number, latencyMs: number, costMicros: number, fallbackTaken: text, edgeLabel: text, reason: text, cause: number,
  inputHash: text, outputHash: text, detail: z.record(z.string(), z.unknown()).nullish().transform((value) => value ?? {}),
});
export type AuditEvent = z.output<typeof auditEvent>;

/** The event, and the row as it came for `--json`. @throws CliError unavailable */
export function parseAuditEvent(data: string): { readonly event: AuditEvent; readonly raw: unknown } {
  let raw: unknown;
  try {
    raw = JSON.parse(data);
  } catch {
    throw new CliError('unavailable', 'an event of the stream is not JSON', 'Is that ingress? Check --url and BLACKBOARD_URL.');
  }
  const event = auditEvent.safeParse(raw);
  if (event.success) return { event: event.data, raw };
  throw new CliError('unavailable', `an event of the stream has another shape than this command knows (${event.error.issues[0]?.path.join('.') ?? ''})`, 'Use the version of the command that fits the service.');
}

/** Codes of the reasons in a row's detail, in order. */
export function reasonCodes(event: Pick<AuditEvent, 'detail'>): readonly string[] {
  const reasons = event.detail['reasons'];
  return Array.isArray(reasons) ? reasons.map((reason) => String((reason as { code?: unknown } | null)?.code ?? '')).filter((code) => code !== '') : [];
}
