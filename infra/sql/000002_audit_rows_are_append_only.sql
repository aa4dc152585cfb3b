-- Privileges keep the application from changing audit rows; this keeps their owner from doing so by mistake
-- (embedded mode runs as the owner). A rebuild goes into an empty schema and needs neither.
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit rows are never changed or removed (% refused)', TG_OP
    USING ERRCODE = 'insufficient_privilege', HINT = 'Rebuild the projection into an empty schema instead.';
END $$;

CREATE TRIGGER audit_rows_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_rows
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
