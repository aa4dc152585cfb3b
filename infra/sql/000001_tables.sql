-- What the projector keeps of bb.verified. Every table here can be built again from the log, so no column holds a
-- wall clock: times are append times or times that a fact carries.

-- One row per record of the topic, those of stale epochs included and marked. Never updated, never deleted.
CREATE TABLE audit_rows (
  topic text NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  -- Append time of the record.
  ts timestamptz NOT NULL,
  -- The record was sent under an epoch that was no longer in force: it says nothing, and is kept as evidence.
  stale boolean NOT NULL,
  event_type text NOT NULL,
  -- The agent whose work the fact is about, otherwise the service that acted.
  node text NOT NULL,
  agent text,
  agent_version text,
  tenant text,
  job text,
  -- Quarantine offset of the submission: tells two lives of one job id apart.
  instance bigint,
  step text,
  attempt integer,
  case_id text GENERATED ALWAYS AS (job) STORED,
  turn_id text GENERATED ALWAYS AS (CASE WHEN attempt > 0 THEN job || '/' || instance::text || '/' || step || '/' || attempt::text END) STORED,
  model text,
  prompt_hash text,
  policy_version text,
  workflow_version text,
  input_hash text,
  output_hash text,
  rubric_score double precision,
  latency_ms bigint,
  -- What the fact adds to its job's cost: the rows of a job sum up to it.
  cost_micros bigint,
  -- Name of the fallback that served, or null.
  fallback_taken text,
  edge_label text,
  reason text,
  epoch bigint NOT NULL,
  -- Offset on quarantine, in the same partition, of the claim that caused the fact; -1: none.
  cause bigint NOT NULL,
  causation text,
  correlation text,
  on_behalf_of text,
  signer text,
  -- Whether the causing claim bore a valid signature of its signer.
  authentic boolean NOT NULL,
  trace text,
  -- SHA-256 over schema fingerprint and body of the record.
  digest bytea NOT NULL,
  -- What else helps a person: codes, hashes, positions, limits. Never a body.
  detail jsonb NOT NULL,
  PRIMARY KEY (topic, partition, "offset")
);

CREATE INDEX audit_rows_node_ts ON audit_rows (node, ts DESC);
CREATE INDEX audit_rows_low_rubric ON audit_rows (ts DESC) WHERE rubric_score < 0.82;
CREATE INDEX audit_rows_job ON audit_rows (job, partition, "offset") WHERE job IS NOT NULL;
CREATE INDEX audit_rows_tenant_ts ON audit_rows (tenant, ts DESC) WHERE tenant IS NOT NULL;
CREATE INDEX audit_rows_answer ON audit_rows (partition, cause)
  WHERE event_type IN ('JobAccepted', 'ClaimRefused', 'ClaimParked', 'ClaimDeadLettered') AND NOT stale;

-- One row per life of a job.
CREATE TABLE jobs (
  job text NOT NULL,
  instance bigint NOT NULL,
  partition integer NOT NULL,
  tenant text NOT NULL,
  state text GENERATED ALWAYS AS (CASE WHEN ended_offset IS NULL THEN 'open' ELSE 'ended' END) STORED,
  outcome text,
  reason text,
  workflow text,
  workflow_version text,
  policy_version text,
  idempotency_key text,
  -- Tells the same key with another body.
  submission_digest text,
  -- JSON, as submitted.
  params text,
  goal text,
  correlation text,
  on_behalf_of text,
  signer text,
  trace text,
  accepted_offset bigint,
  accepted_at timestamptz,
  deadline_at timestamptz,
  cost_cap_micros bigint,
  ended_offset bigint,
  ended_at timestamptz,
  latency_ms bigint,
  -- While open: the sum of the attempts closed so far; then what the terminal fact says.
  cost_micros bigint NOT NULL,
  result_type text,
  result_contract text,
  result_hash text,
  result_size bigint,
  -- inline: result_body holds it; reference: the body store does.
  result_encoding text,
  result_body bytea,
  attempts_requested integer NOT NULL,
  attempts_failed integer NOT NULL,
  verifications_requested integer NOT NULL,
  steps_completed integer NOT NULL,
  steps_failed integer NOT NULL,
  artifacts_verified integer NOT NULL,
  artifacts_rejected integer NOT NULL,
  last_offset bigint NOT NULL,
  last_event_at timestamptz NOT NULL,
  PRIMARY KEY (job, instance)
);

CREATE INDEX jobs_tenant_accepted ON jobs (tenant, accepted_at DESC);
CREATE INDEX jobs_open ON jobs (partition, accepted_offset) WHERE ended_offset IS NULL;

-- Candidates and verified artifacts side by side; a candidate's bytes are never here.
CREATE TABLE artifacts (
  job text NOT NULL,
  instance bigint NOT NULL,
  step text NOT NULL,
  attempt integer NOT NULL,
  hash text NOT NULL,
  partition integer NOT NULL,
  tenant text NOT NULL,
  namespace text NOT NULL CHECK (namespace IN ('quarantine', 'verified')),
  -- waiting: shown to a verifier that has not answered (and, when its turn is closed, never will).
  state text NOT NULL CHECK (state IN ('waiting', 'verified', 'rejected')),
  type text NOT NULL,
  contract text NOT NULL,
  size bigint NOT NULL,
  producer text NOT NULL,
  verifier text,
  reason text,
  confidence double precision,
  fresh_at timestamptz,
  rubric_score double precision,
  encoding text,
  -- Verified bodies that ride in the fact only.
  body bytea,
  last_offset bigint NOT NULL,
  last_event_at timestamptz NOT NULL,
  PRIMARY KEY (job, instance, step, attempt, hash)
);

-- How far each partition is projected; moves in the transaction of the rows.
CREATE TABLE watermarks (
  topic text NOT NULL,
  partition integer NOT NULL,
  -- First offset that is not projected yet.
  next_offset bigint NOT NULL,
  -- Epoch in force at next_offset.
  epoch bigint NOT NULL,
  -- Digest of the record before next_offset, 64 hex digits; empty when there is none.
  digest text NOT NULL,
  -- Append time of that record; null before the first.
  last_append_at timestamptz,
  PRIMARY KEY (topic, partition)
);
