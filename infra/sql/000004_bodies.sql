-- Content-addressed bodies. Truth, not a projection: back it up like the log.
CREATE TABLE bodies (
  hash text PRIMARY KEY CHECK (hash ~ '^[0-9a-f]{64}$'),
  bytes bytea NOT NULL,
  size integer GENERATED ALWAYS AS (octet_length(bytes)) STORED,
  -- When it was last put; unclaimed bodies expire by it.
  put_at timestamptz NOT NULL DEFAULT now()
);
-- Bodies are compressed already or short: no time is spent on compressing them again.
ALTER TABLE bodies ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE INDEX bodies_put_at ON bodies (put_at);
