-- Rows that are rare in a sound log and are asked for by their time: each costs its insertion, and no other row anything.
-- All rows are read to make them, and the lock of a view that is replaced is held to the end: so they come before it.
CREATE INDEX audit_rows_stale ON audit_rows (ts DESC) WHERE stale;
CREATE INDEX audit_rows_rejected ON audit_rows (ts DESC) WHERE event_type IN ('ClaimRefused', 'ClaimParked', 'ClaimDeadLettered') AND NOT stale;

-- What somebody on call asks for is an hour of a year. A turn begins with its request, and its other rows are found by
-- its job: so conditions on `requested_at`, `job` and `agent` reach the rows of the requests, and the rest is not read.
CREATE OR REPLACE VIEW turns AS
SELECT
  r.turn_id, r.job AS case_id, r.job, r.instance, r.step, r.attempt, r.partition,
  r.tenant, r.agent,
  -- A request to verify names who made the candidates and how; facts of a verifier's failure name the verifier.
  coalesce(a.verified_version, a.agent_version) AS agent_version,
  a.verifier,
  coalesce(a.verified_model, a.model) AS model,
  coalesce(a.verified_prompt_hash, a.prompt_hash) AS prompt_hash,
  r.input_hash,
  r.detail -> 'variation' ->> 'kind' AS variation,
  r.ts AS requested_at, r."offset" AS request_offset,
  a.verification_requested_at, a.closed_at, a.close_offset,
  CASE
    WHEN a.is_completed THEN 'completed'
    WHEN a.is_failed THEN 'failed'
    WHEN j.ended_offset IS NOT NULL THEN 'abandoned'
    WHEN a.verification_requested_at IS NOT NULL THEN 'verifying'
    ELSE 'requested'
  END AS outcome,
  a.reason, a.accepted, a.rejected, a.rubric_score, a.latency_ms, a.cost_micros, a.fallback_taken, a.edge_label
FROM audit_rows r
LEFT JOIN jobs j ON j.job = r.job AND j.instance = r.instance
CROSS JOIN LATERAL (
  SELECT
    max(agent_version) FILTER (WHERE event_type = 'VerificationRequested') AS verified_version, max(agent_version) AS agent_version,
    min(agent) FILTER (WHERE event_type = 'VerificationRequested') AS verifier,
    max(model) FILTER (WHERE event_type = 'VerificationRequested') AS verified_model, max(model) AS model,
    max(prompt_hash) FILTER (WHERE event_type = 'VerificationRequested') AS verified_prompt_hash, max(prompt_hash) AS prompt_hash,
    min(ts) FILTER (WHERE event_type = 'VerificationRequested') AS verification_requested_at,
    min(ts) FILTER (WHERE event_type IN ('StepCompleted', 'AttemptFailed', 'StepFailed')) AS closed_at,
    min("offset") FILTER (WHERE event_type IN ('StepCompleted', 'AttemptFailed', 'StepFailed')) AS close_offset,
    bool_or(event_type = 'StepCompleted') AS is_completed,
    bool_or(event_type IN ('AttemptFailed', 'StepFailed')) AS is_failed,
    coalesce(min(reason) FILTER (WHERE event_type = 'AttemptFailed'), min(reason) FILTER (WHERE event_type = 'StepFailed')) AS reason,
    count(*) FILTER (WHERE event_type = 'ArtifactVerified') AS accepted,
    count(*) FILTER (WHERE event_type = 'ArtifactRejected') AS rejected,
    coalesce(
      max(rubric_score) FILTER (WHERE event_type = 'StepCompleted'),
      avg(rubric_score) FILTER (WHERE event_type IN ('ArtifactVerified', 'ArtifactRejected'))
    ) AS rubric_score,
    max(latency_ms) FILTER (WHERE event_type IN ('StepCompleted', 'AttemptFailed')) AS latency_ms,
    least(coalesce(sum(cost_micros), 0), 9007199254740991)::bigint AS cost_micros,
    max(fallback_taken) AS fallback_taken,
    max(edge_label) FILTER (WHERE event_type IN ('StepCompleted', 'AttemptFailed', 'StepFailed')) AS edge_label
  FROM audit_rows
  WHERE job = r.job AND instance = r.instance AND step = r.step AND attempt = r.attempt AND partition = r.partition AND NOT stale
    AND event_type IN ('StepRequested', 'VerificationRequested', 'ArtifactVerified', 'ArtifactRejected', 'StepCompleted', 'AttemptFailed', 'StepFailed')
) a
WHERE r.event_type = 'StepRequested' AND NOT r.stale AND r.turn_id IS NOT NULL;
