-- Snapshots of partitions' states, so that an owner need not read all that still matters: a cache of the log, written
-- by a reader of it. Lost or wrong ones cost time and nothing else.
CREATE TABLE snapshots (
  topic text NOT NULL,
  partition integer NOT NULL,
  -- Position that it stands for: all records before this offset are folded.
  next_offset bigint NOT NULL,
  -- Of the code and the schemas that made it; another version cannot read it.
  version text NOT NULL,
  -- Epoch in force at next_offset.
  epoch bigint NOT NULL,
  -- Digest of the record before next_offset, 64 hex digits.
  digest text NOT NULL,
  -- Highest offset on quarantine that is decided.
  cursor bigint NOT NULL,
  -- Oldest offset on verified of an open or remembered job.
  restore_from bigint NOT NULL,
  open_jobs integer NOT NULL,
  parts integer NOT NULL,
  bytes bigint NOT NULL,
  -- SHA-256 over all parts, 64 hex digits.
  parts_digest text NOT NULL,
  signer text NOT NULL,
  -- Over everything above: a row that somebody else wrote is not used.
  signature bytea NOT NULL,
  taken_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, partition, next_offset, version)
);

CREATE TABLE snapshot_parts (
  topic text NOT NULL,
  partition integer NOT NULL,
  next_offset bigint NOT NULL,
  version text NOT NULL,
  part integer NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (topic, partition, next_offset, version, part),
  FOREIGN KEY (topic, partition, next_offset, version) REFERENCES snapshots ON DELETE CASCADE
);
-- Parts are compressed already.
ALTER TABLE snapshot_parts ALTER COLUMN bytes SET STORAGE EXTERNAL;

DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['blackboard_snapshots', 'blackboard_orchestrator'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), wanted);
  END LOOP;
END $$;

GRANT SELECT, INSERT, DELETE ON snapshots TO blackboard_snapshots;
GRANT SELECT, INSERT ON snapshot_parts TO blackboard_snapshots;
GRANT SELECT ON migrations TO blackboard_snapshots;
-- Owners read them and cannot write one: a snapshot is never made from an owner's memory.
GRANT SELECT ON snapshots, snapshot_parts, migrations TO blackboard_orchestrator;
GRANT SELECT ON snapshots TO blackboard_reader;
