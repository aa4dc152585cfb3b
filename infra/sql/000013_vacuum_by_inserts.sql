-- An index that asks autovacuum to summarize each range as it fills asks more often than autovacuum looks, from some 130
-- jobs a second on; Postgres then says so in its log for every further range, thousands of lines a minute. Vacuum
-- summarizes as well: by a number of inserted rows it comes as often to a large table as to a small one, and few rows more
-- than that are read beside those that a time asks for.
ALTER INDEX audit_rows_ts RESET (autosummarize);
ALTER TABLE audit_rows SET (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000);
