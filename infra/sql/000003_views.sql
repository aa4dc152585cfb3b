-- One row per step attempt.
CREATE VIEW turns AS
SELECT
  a.turn_id, a.job AS case_id, a.job, a.instance, a.step, a.attempt, a.partition,
  min(a.tenant) AS tenant,
  min(a.agent) FILTER (WHERE a.event_type = 'StepRequested') AS agent,
  -- A request to verify names who made the candidates and how; facts of a verifier's failure name the verifier.
  coalesce(max(a.agent_version) FILTER (WHERE a.event_type = 'VerificationRequested'), max(a.agent_version)) AS agent_version,
  min(a.agent) FILTER (WHERE a.event_type = 'VerificationRequested') AS verifier,
  coalesce(max(a.model) FILTER (WHERE a.event_type = 'VerificationRequested'), max(a.model)) AS model,
  coalesce(max(a.prompt_hash) FILTER (WHERE a.event_type = 'VerificationRequested'), max(a.prompt_hash)) AS prompt_hash,
  min(a.input_hash) FILTER (WHERE a.event_type = 'StepRequested') AS input_hash,
  min(a.detail -> 'variation' ->> 'kind') FILTER (WHERE a.event_type = 'StepRequested') AS variation,
  min(a.ts) FILTER (WHERE a.event_type = 'StepRequested') AS requested_at,
  min(a."offset") FILTER (WHERE a.event_type = 'StepRequested') AS request_offset,
  min(a.ts) FILTER (WHERE a.event_type = 'VerificationRequested') AS verification_requested_at,
  min(a.ts) FILTER (WHERE a.event_type IN ('StepCompleted', 'AttemptFailed', 'StepFailed')) AS closed_at,
  min(a."offset") FILTER (WHERE a.event_type IN ('StepCompleted', 'AttemptFailed', 'StepFailed')) AS close_offset,
  CASE
    WHEN bool_or(a.event_type = 'StepCompleted') THEN 'completed'
    WHEN bool_or(a.event_type IN ('AttemptFailed', 'StepFailed')) THEN 'failed'
    WHEN bool_or(j.ended_offset IS NOT NULL) THEN 'abandoned'
    WHEN bool_or(a.event_type = 'VerificationRequested') THEN 'verifying'
    ELSE 'requested'
  END AS outcome,
  coalesce(min(a.reason) FILTER (WHERE a.event_type = 'AttemptFailed'), min(a.reason) FILTER (WHERE a.event_type = 'StepFailed')) AS reason,
  count(*) FILTER (WHERE a.event_type = 'ArtifactVerified') AS accepted,
  count(*) FILTER (WHERE a.event_type = 'ArtifactRejected') AS rejected,
  coalesce(
    max(a.rubric_score) FILTER (WHERE a.event_type = 'StepCompleted'),
    avg(a.rubric_score) FILTER (WHERE a.event_type IN ('ArtifactVerified', 'ArtifactRejected'))
  ) AS rubric_score,
  max(a.latency_ms) FILTER (WHERE a.event_type IN ('StepCompleted', 'AttemptFailed')) AS latency_ms,
  least(coalesce(sum(a.cost_micros), 0), 9007199254740991)::bigint AS cost_micros,
  max(a.fallback_taken) AS fallback_taken,
  max(a.edge_label) FILTER (WHERE a.event_type IN ('StepCompleted', 'AttemptFailed', 'StepFailed')) AS edge_label
FROM audit_rows a
LEFT JOIN jobs j ON j.job = a.job AND j.instance = a.instance
WHERE NOT a.stale AND a.turn_id IS NOT NULL
  AND a.event_type IN ('StepRequested', 'VerificationRequested', 'ArtifactVerified', 'ArtifactRejected', 'StepCompleted', 'AttemptFailed', 'StepFailed')
GROUP BY a.turn_id, a.job, a.instance, a.step, a.attempt, a.partition;

-- One row per step of a job.
CREATE VIEW steps AS
SELECT
  a.job, a.instance, a.step, a.partition,
  min(a.tenant) AS tenant,
  min(a.agent) FILTER (WHERE a.event_type = 'StepRequested') AS agent,
  CASE
    WHEN bool_or(a.event_type = 'StepCompleted') THEN 'completed'
    WHEN bool_or(a.event_type = 'StepFailed') THEN 'failed'
    WHEN bool_or(j.ended_offset IS NOT NULL) THEN 'abandoned'
    ELSE 'open'
  END AS state,
  coalesce(max(a.attempt) FILTER (WHERE a.event_type = 'StepRequested'), 0) AS attempts,
  min(a.reason) FILTER (WHERE a.event_type = 'StepFailed') AS reason,
  min(a.ts) FILTER (WHERE a.event_type = 'StepRequested') AS requested_at,
  max(a.ts) FILTER (WHERE a.event_type IN ('StepCompleted', 'StepFailed')) AS closed_at,
  count(*) FILTER (WHERE a.event_type = 'ArtifactVerified') AS accepted,
  count(*) FILTER (WHERE a.event_type = 'ArtifactRejected') AS rejected,
  max(a.rubric_score) FILTER (WHERE a.event_type = 'StepCompleted') AS rubric_score,
  least(coalesce(sum(a.cost_micros), 0), 9007199254740991)::bigint AS cost_micros
FROM audit_rows a
LEFT JOIN jobs j ON j.job = a.job AND j.instance = a.instance
WHERE NOT a.stale AND a.step IS NOT NULL
  AND a.event_type IN ('StepRequested', 'ArtifactVerified', 'ArtifactRejected', 'StepCompleted', 'AttemptFailed', 'StepFailed')
GROUP BY a.job, a.instance, a.step, a.partition;

-- Every claim that did not pass, with where its bytes are: quarantine/partition/cause.
CREATE VIEW rejections AS
SELECT
  CASE event_type WHEN 'ClaimRefused' THEN 'refused' WHEN 'ClaimParked' THEN 'parked' ELSE 'dead-lettered' END AS kind,
  detail ->> 'claimType' AS claim_type,
  reason,
  detail ->> 'detail' AS explanation,
  partition, cause,
  'q/' || partition::text || '/' || cause::text AS claim,
  job, instance, step, attempt, tenant, agent, signer, authentic,
  coalesce((detail ->> 'closesAttempt')::boolean, false) AS closes_attempt,
  ts, topic, "offset"
FROM audit_rows
WHERE NOT stale AND event_type IN ('ClaimRefused', 'ClaimParked', 'ClaimDeadLettered');

-- What became of the quarantine record (partition, cause): look a submission up by where it was appended.
CREATE VIEW submissions AS
SELECT
  partition, cause,
  CASE event_type WHEN 'JobAccepted' THEN 'accepted' WHEN 'ClaimRefused' THEN 'refused' WHEN 'ClaimParked' THEN 'parked' ELSE 'dead-lettered' END AS answer,
  job, instance, tenant, reason,
  detail ->> 'claimType' AS claim_type,
  detail ->> 'detail' AS explanation,
  ts, "offset"
FROM audit_rows
WHERE event_type IN ('JobAccepted', 'ClaimRefused', 'ClaimParked', 'ClaimDeadLettered') AND NOT stale;
