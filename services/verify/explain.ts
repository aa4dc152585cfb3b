// For each invariant: how its check would see a fault of the runtime that it checks, and what it shares with it. A
// check that repeated the implementation would prove nothing.

import type { InvariantName } from './findings.js';

export interface Explained {
  /** How it is checked, from what. */
  readonly how: string;
  /** What it has in common with the runtime, so that a fault there would be hidden. */
  readonly shares: string;
}

const codecOnly = 'codec';

export const explained: Readonly<Record<InvariantName, Explained>> = {
  I1: { how: 'counts acceptances and ends per job and instance over the facts that count; the time that an id is remembered is read from the end itself', shares: codecOnly },
  I2: { how: "a client's own history (--history) against the records at the places that it was told; nothing of the server is asked", shares: 'codec, job id hash' },
  I3: { how: 'a set of verified hashes per job, filled by ArtifactVerified facts only; candidates and verdicts are looked up in the claims themselves; body hashes are computed again', shares: 'codec, policy as data' },
  I4: { how: 'each signature is verified again with the keys (--keys); key and partition of each record are computed again; a false claim may have no fact but a refusal; a true one may be refused as false if its key was not held, which is then so for the whole epoch', shares: 'codec, HMAC, partitioner' },
  I5: { how: 'each reference is looked up among the hashes and refs that were verified in the job before, and the receipts of the claim', shares: codecOnly },
  I6: { how: 'the production verbs fold the log from its beginning and take each decision again: byte for byte. It finds what depends on anything but the log; a verb that is always wrong it cannot find, the others do', shares: 'judge, decide, evolve' },
  I7: { how: 'the newest marker, the last cause and the open attempt are three numbers, counted along the log', shares: codecOnly },
  I8: { how: 'no subject: there are no tools yet', shares: '' },
  I9: { how: 'no subject: there are no approvals yet', shares: '' },
  I10: { how: 'sums up what each fact says that it cost and compares it with the end; nothing enforces a cap yet, so jobs above theirs are counted, not failed', shares: codecOnly },
  I11: { how: 'the running maximum of append times is counted from the claims; each deadline is read from its request', shares: codecOnly },
  I12: { how: 'each column is computed from the record by a table of its own and compared with what Postgres shows; counts beyond and outside of the watermarks', shares: 'codec' },
  I13: { how: 'SHA-256 of each claim against the digest in its decision; grants, role memberships and triggers are read from the catalogue', shares: 'codec (digest)' },
  I14: { how: 'claims in, decisions out, one for one, by offset; what cannot be decoded must be dead-lettered', shares: codecOnly },
  I15: { how: 'offsets are counted; the key of each fact is compared with its job', shares: codecOnly },
  I16: { how: 'each fact against the tenant of the acceptance; a refused stranger names none', shares: codecOnly },
  I17: { how: 'fields are not empty; causation is the place that the cause field says', shares: codecOnly },
  I18: { how: "each attempt against the workflow's number and the time that the failure before it named", shares: 'codec, policy as data' },
};

/** What I12 and I13 can and cannot show of the audit table. */
export const tamperNote = 'A changed, removed, exchanged or added audit row is named by I12, the first of each partition first, as long as the log is there to compare with. Rows are not chained by hashes: without the log, a change by a superuser leaves no trace.';
