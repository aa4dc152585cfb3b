-- Made by infra/sql/dump.ts from the catalog of a migrated database. Do not edit.

CREATE TABLE artifacts (
  job text NOT NULL,
  instance bigint NOT NULL,
  step text NOT NULL,
  attempt integer NOT NULL,
  hash text NOT NULL,
  partition integer NOT NULL,
  tenant text NOT NULL,
  namespace text NOT NULL,
  state text NOT NULL,
  type text NOT NULL,
  contract text NOT NULL,
  size bigint NOT NULL,
  producer text NOT NULL,
  verifier text,
  reason text,
  confidence double precision,
  fresh_at timestamp with time zone,
  rubric_score double precision,
  encoding text,
  body bytea,
  last_offset bigint NOT NULL,
  last_event_at timestamp with time zone NOT NULL,
  CONSTRAINT artifacts_namespace_check CHECK ((namespace = ANY (ARRAY['quarantine'::text, 'verified'::text]))),
  CONSTRAINT artifacts_pkey PRIMARY KEY (job, instance, step, attempt, hash),
  CONSTRAINT artifacts_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'verified'::text, 'rejected'::text])))
);
CREATE TABLE audit_rows (
  topic text NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  ts timestamp with time zone NOT NULL,
  stale boolean NOT NULL,
  event_type text NOT NULL,
  node text NOT NULL,
  agent text,
  agent_version text,
  tenant text,
  job text,
  instance bigint,
  step text,
  attempt integer,
  case_id text GENERATED ALWAYS AS (job) STORED,
  turn_id text GENERATED ALWAYS AS (
CASE
    WHEN (attempt > 0) THEN ((((((job || '/'::text) || (instance)::text) || '/'::text) || step) || '/'::text) || (attempt)::text)
    ELSE NULL::text
END) STORED,
  model text,
  prompt_hash text,
  policy_version text,
  workflow_version text,
  input_hash text,
  output_hash text,
  rubric_score double precision,
  latency_ms bigint,
  cost_micros bigint,
  fallback_taken text,
  edge_label text,
  reason text,
  epoch bigint NOT NULL,
  cause bigint NOT NULL,
  causation text,
  correlation text,
  on_behalf_of text,
  signer text,
  authentic boolean NOT NULL,
  trace text,
  digest bytea NOT NULL,
  detail jsonb NOT NULL,
  CONSTRAINT audit_rows_pkey PRIMARY KEY (topic, partition, "offset")
) WITH (autovacuum_vacuum_insert_scale_factor=0, autovacuum_vacuum_insert_threshold=100000);
CREATE TABLE bodies (
  hash text NOT NULL,
  bytes bytea NOT NULL /* storage external */,
  size integer GENERATED ALWAYS AS (octet_length(bytes)) STORED,
  put_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT bodies_hash_check CHECK ((hash ~ '^[0-9a-f]{64}$'::text)),
  CONSTRAINT bodies_pkey PRIMARY KEY (hash)
);
CREATE TABLE jobs (
  job text NOT NULL,
  instance bigint NOT NULL,
  partition integer NOT NULL,
  tenant text NOT NULL,
  state text GENERATED ALWAYS AS (
CASE
    WHEN (ended_offset IS NULL) THEN 'open'::text
    ELSE 'ended'::text
END) STORED,
  outcome text,
  reason text,
  workflow text,
  workflow_version text,
  policy_version text,
  idempotency_key text,
  submission_digest text,
  params text,
  goal text,
  correlation text,
  on_behalf_of text,
  signer text,
  trace text,
  accepted_offset bigint,
  accepted_at timestamp with time zone,
  deadline_at timestamp with time zone,
  cost_cap_micros bigint,
  ended_offset bigint,
  ended_at timestamp with time zone,
  latency_ms bigint,
  cost_micros bigint NOT NULL,
  result_type text,
  result_contract text,
  result_hash text,
  result_size bigint,
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
  last_event_at timestamp with time zone NOT NULL,
  CONSTRAINT jobs_pkey PRIMARY KEY (job, instance)
) WITH (fillfactor=60);
CREATE TABLE migrations (
  number integer NOT NULL,
  name text NOT NULL,
  hash text NOT NULL,
  CONSTRAINT migrations_pkey PRIMARY KEY (number)
);
CREATE TABLE snapshot_parts (
  topic text NOT NULL,
  partition integer NOT NULL,
  next_offset bigint NOT NULL,
  version text NOT NULL,
  part integer NOT NULL,
  bytes bytea NOT NULL /* storage external */,
  CONSTRAINT snapshot_parts_pkey PRIMARY KEY (topic, partition, next_offset, version, part),
  CONSTRAINT snapshot_parts_topic_partition_next_offset_version_fkey FOREIGN KEY (topic, partition, next_offset, version) REFERENCES snapshots(topic, partition, next_offset, version) ON DELETE CASCADE
);
CREATE TABLE snapshots (
  topic text NOT NULL,
  partition integer NOT NULL,
  next_offset bigint NOT NULL,
  version text NOT NULL,
  epoch bigint NOT NULL,
  digest text NOT NULL,
  cursor bigint NOT NULL,
  restore_from bigint NOT NULL,
  open_jobs integer NOT NULL,
  parts integer NOT NULL,
  bytes bigint NOT NULL,
  parts_digest text NOT NULL,
  signer text NOT NULL,
  signature bytea NOT NULL,
  taken_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT snapshots_pkey PRIMARY KEY (topic, partition, next_offset, version)
);
CREATE TABLE watermarks (
  topic text NOT NULL,
  partition integer NOT NULL,
  next_offset bigint NOT NULL,
  epoch bigint NOT NULL,
  digest text NOT NULL,
  last_append_at timestamp with time zone,
  CONSTRAINT watermarks_pkey PRIMARY KEY (topic, partition)
);

CREATE INDEX audit_rows_answer ON public.audit_rows USING btree (partition, cause) WHERE ((event_type = ANY (ARRAY['JobAccepted'::text, 'ClaimRefused'::text, 'ClaimParked'::text, 'ClaimDeadLettered'::text])) AND (NOT stale));
CREATE INDEX audit_rows_job ON public.audit_rows USING hash (job) WHERE (job IS NOT NULL);
CREATE INDEX audit_rows_low_rubric ON public.audit_rows USING btree (ts DESC) WHERE (rubric_score < (0.82)::double precision);
CREATE INDEX audit_rows_rejected ON public.audit_rows USING btree (ts DESC) WHERE ((event_type = ANY (ARRAY['ClaimRefused'::text, 'ClaimParked'::text, 'ClaimDeadLettered'::text])) AND (NOT stale));
CREATE INDEX audit_rows_stale ON public.audit_rows USING btree (ts DESC) WHERE stale;
CREATE INDEX audit_rows_ts ON public.audit_rows USING brin (ts) WITH (pages_per_range='32');
CREATE INDEX bodies_put_at ON public.bodies USING btree (put_at);
CREATE INDEX jobs_tenant_accepted ON public.jobs USING btree (tenant, accepted_at DESC);

CREATE VIEW rejections AS
 SELECT
        CASE event_type
            WHEN 'ClaimRefused'::text THEN 'refused'::text
            WHEN 'ClaimParked'::text THEN 'parked'::text
            ELSE 'dead-lettered'::text
        END AS kind,
    detail ->> 'claimType'::text AS claim_type,
    reason,
    detail ->> 'detail'::text AS explanation,
    partition,
    cause,
    (('q/'::text || partition::text) || '/'::text) || cause::text AS claim,
    job,
    instance,
    step,
    attempt,
    tenant,
    agent,
    signer,
    authentic,
    COALESCE((detail ->> 'closesAttempt'::text)::boolean, false) AS closes_attempt,
    ts,
    topic,
    "offset"
   FROM audit_rows
  WHERE NOT stale AND (event_type = ANY (ARRAY['ClaimRefused'::text, 'ClaimParked'::text, 'ClaimDeadLettered'::text]));
CREATE VIEW steps AS
 SELECT a.job,
    a.instance,
    a.step,
    a.partition,
    min(a.tenant) AS tenant,
    min(a.agent) FILTER (WHERE a.event_type = 'StepRequested'::text) AS agent,
        CASE
            WHEN bool_or(a.event_type = 'StepCompleted'::text) THEN 'completed'::text
            WHEN bool_or(a.event_type = 'StepFailed'::text) THEN 'failed'::text
            WHEN bool_or(j.ended_offset IS NOT NULL) THEN 'abandoned'::text
            ELSE 'open'::text
        END AS state,
    COALESCE(max(a.attempt) FILTER (WHERE a.event_type = 'StepRequested'::text), 0) AS attempts,
    min(a.reason) FILTER (WHERE a.event_type = 'StepFailed'::text) AS reason,
    min(a.ts) FILTER (WHERE a.event_type = 'StepRequested'::text) AS requested_at,
    max(a.ts) FILTER (WHERE a.event_type = ANY (ARRAY['StepCompleted'::text, 'StepFailed'::text])) AS closed_at,
    count(*) FILTER (WHERE a.event_type = 'ArtifactVerified'::text) AS accepted,
    count(*) FILTER (WHERE a.event_type = 'ArtifactRejected'::text) AS rejected,
    max(a.rubric_score) FILTER (WHERE a.event_type = 'StepCompleted'::text) AS rubric_score,
    LEAST(COALESCE(sum(a.cost_micros), 0::numeric), '9007199254740991'::bigint::numeric)::bigint AS cost_micros
   FROM audit_rows a
     LEFT JOIN jobs j ON j.job = a.job AND j.instance = a.instance
  WHERE NOT a.stale AND a.step IS NOT NULL AND (a.event_type = ANY (ARRAY['StepRequested'::text, 'ArtifactVerified'::text, 'ArtifactRejected'::text, 'StepCompleted'::text, 'AttemptFailed'::text, 'StepFailed'::text]))
  GROUP BY a.job, a.instance, a.step, a.partition;
CREATE VIEW submissions AS
 SELECT partition,
    cause,
        CASE event_type
            WHEN 'JobAccepted'::text THEN 'accepted'::text
            WHEN 'ClaimRefused'::text THEN 'refused'::text
            WHEN 'ClaimParked'::text THEN 'parked'::text
            ELSE 'dead-lettered'::text
        END AS answer,
    job,
    instance,
    tenant,
    reason,
    detail ->> 'claimType'::text AS claim_type,
    detail ->> 'detail'::text AS explanation,
    ts,
    "offset"
   FROM audit_rows
  WHERE (event_type = ANY (ARRAY['JobAccepted'::text, 'ClaimRefused'::text, 'ClaimParked'::text, 'ClaimDeadLettered'::text])) AND NOT stale;
CREATE VIEW turns AS
 SELECT r.turn_id,
    r.job AS case_id,
    r.job,
    r.instance,
    r.step,
    r.attempt,
    r.partition,
    r.tenant,
    r.agent,
    COALESCE(a.verified_version, a.agent_version) AS agent_version,
    a.verifier,
    COALESCE(a.verified_model, a.model) AS model,
    COALESCE(a.verified_prompt_hash, a.prompt_hash) AS prompt_hash,
    r.input_hash,
    (r.detail -> 'variation'::text) ->> 'kind'::text AS variation,
    r.ts AS requested_at,
    r."offset" AS request_offset,
    a.verification_requested_at,
    a.closed_at,
    a.close_offset,
        CASE
            WHEN a.is_completed THEN 'completed'::text
            WHEN a.is_failed THEN 'failed'::text
            WHEN j.ended_offset IS NOT NULL THEN 'abandoned'::text
            WHEN a.verification_requested_at IS NOT NULL THEN 'verifying'::text
            ELSE 'requested'::text
        END AS outcome,
    a.reason,
    a.accepted,
    a.rejected,
    a.rubric_score,
    a.latency_ms,
    a.cost_micros,
    a.fallback_taken,
    a.edge_label
   FROM audit_rows r
     LEFT JOIN jobs j ON j.job = r.job AND j.instance = r.instance
     CROSS JOIN LATERAL ( SELECT max(audit_rows.agent_version) FILTER (WHERE audit_rows.event_type = 'VerificationRequested'::text) AS verified_version,
            max(audit_rows.agent_version) AS agent_version,
            min(audit_rows.agent) FILTER (WHERE audit_rows.event_type = 'VerificationRequested'::text) AS verifier,
            max(audit_rows.model) FILTER (WHERE audit_rows.event_type = 'VerificationRequested'::text) AS verified_model,
            max(audit_rows.model) AS model,
            max(audit_rows.prompt_hash) FILTER (WHERE audit_rows.event_type = 'VerificationRequested'::text) AS verified_prompt_hash,
            max(audit_rows.prompt_hash) AS prompt_hash,
            min(audit_rows.ts) FILTER (WHERE audit_rows.event_type = 'VerificationRequested'::text) AS verification_requested_at,
            min(audit_rows.ts) FILTER (WHERE audit_rows.event_type = ANY (ARRAY['StepCompleted'::text, 'AttemptFailed'::text, 'StepFailed'::text])) AS closed_at,
            min(audit_rows."offset") FILTER (WHERE audit_rows.event_type = ANY (ARRAY['StepCompleted'::text, 'AttemptFailed'::text, 'StepFailed'::text])) AS close_offset,
            bool_or(audit_rows.event_type = 'StepCompleted'::text) AS is_completed,
            bool_or(audit_rows.event_type = ANY (ARRAY['AttemptFailed'::text, 'StepFailed'::text])) AS is_failed,
            COALESCE(min(audit_rows.reason) FILTER (WHERE audit_rows.event_type = 'AttemptFailed'::text), min(audit_rows.reason) FILTER (WHERE audit_rows.event_type = 'StepFailed'::text)) AS reason,
            count(*) FILTER (WHERE audit_rows.event_type = 'ArtifactVerified'::text) AS accepted,
            count(*) FILTER (WHERE audit_rows.event_type = 'ArtifactRejected'::text) AS rejected,
            COALESCE(max(audit_rows.rubric_score) FILTER (WHERE audit_rows.event_type = 'StepCompleted'::text), avg(audit_rows.rubric_score) FILTER (WHERE audit_rows.event_type = ANY (ARRAY['ArtifactVerified'::text, 'ArtifactRejected'::text]))) AS rubric_score,
            max(audit_rows.latency_ms) FILTER (WHERE audit_rows.event_type = ANY (ARRAY['StepCompleted'::text, 'AttemptFailed'::text])) AS latency_ms,
            LEAST(COALESCE(sum(audit_rows.cost_micros), 0::numeric), '9007199254740991'::bigint::numeric)::bigint AS cost_micros,
            max(audit_rows.fallback_taken) AS fallback_taken,
            max(audit_rows.edge_label) FILTER (WHERE audit_rows.event_type = ANY (ARRAY['StepCompleted'::text, 'AttemptFailed'::text, 'StepFailed'::text])) AS edge_label
           FROM audit_rows
          WHERE audit_rows.job = r.job AND audit_rows.instance = r.instance AND audit_rows.step = r.step AND audit_rows.attempt = r.attempt AND audit_rows.partition = r.partition AND NOT audit_rows.stale AND (audit_rows.event_type = ANY (ARRAY['StepRequested'::text, 'VerificationRequested'::text, 'ArtifactVerified'::text, 'ArtifactRejected'::text, 'StepCompleted'::text, 'AttemptFailed'::text, 'StepFailed'::text]))) a
  WHERE r.event_type = 'StepRequested'::text AND NOT r.stale AND r.turn_id IS NOT NULL;

CREATE OR REPLACE FUNCTION public.refuse_audit_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  RAISE EXCEPTION 'audit rows are never changed or removed (% refused)', TG_OP
    USING ERRCODE = 'insufficient_privilege', HINT = 'Rebuild the projection into an empty schema instead.';
END $function$
CREATE OR REPLACE FUNCTION public.refuse_moved_watermarks()
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
BEGIN
  RAISE EXCEPTION 'a watermark stands elsewhere than where this batch begins'
    USING ERRCODE = 'BB001', HINT = 'Read the watermarks again: another process has projected a part of it.';
END $function$

CREATE TRIGGER audit_rows_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_rows FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

GRANT INSERT, SELECT, UPDATE ON artifacts TO blackboard_projector;
GRANT SELECT ON artifacts TO blackboard_reader;
GRANT INSERT, SELECT ON audit_rows TO blackboard_projector;
GRANT SELECT ON audit_rows TO blackboard_reader;
GRANT INSERT, SELECT, UPDATE (put_at) ON bodies TO blackboard_gateway;
GRANT INSERT, SELECT, UPDATE ON jobs TO blackboard_projector;
GRANT SELECT ON jobs TO blackboard_reader;
GRANT SELECT ON migrations TO blackboard_gateway;
GRANT SELECT ON migrations TO blackboard_orchestrator;
GRANT SELECT ON migrations TO blackboard_projector;
GRANT SELECT ON migrations TO blackboard_reader;
GRANT SELECT ON migrations TO blackboard_snapshots;
GRANT SELECT ON rejections TO blackboard_projector;
GRANT SELECT ON rejections TO blackboard_reader;
GRANT SELECT ON snapshot_parts TO blackboard_orchestrator;
GRANT INSERT, SELECT ON snapshot_parts TO blackboard_snapshots;
GRANT SELECT ON snapshots TO blackboard_orchestrator;
GRANT SELECT ON snapshots TO blackboard_reader;
GRANT DELETE, INSERT, SELECT ON snapshots TO blackboard_snapshots;
GRANT SELECT ON steps TO blackboard_projector;
GRANT SELECT ON steps TO blackboard_reader;
GRANT SELECT ON submissions TO blackboard_projector;
GRANT SELECT ON submissions TO blackboard_reader;
GRANT SELECT ON turns TO blackboard_projector;
GRANT SELECT ON turns TO blackboard_reader;
GRANT SELECT ON watermarks TO blackboard_gateway;
GRANT INSERT, SELECT, UPDATE ON watermarks TO blackboard_projector;
GRANT SELECT ON watermarks TO blackboard_reader;
