-- Who may do what. Roles belong to the whole server, so they may be there already; the logins of services are
-- members of them (GRANT blackboard_projector TO …) and act under them (SET ROLE).
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['blackboard_projector', 'blackboard_reader', 'blackboard_gateway'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), wanted);
  END LOOP;
END $$;

-- Audit rows: added and read, never changed.
GRANT SELECT, INSERT ON audit_rows TO blackboard_projector;
GRANT SELECT, INSERT, UPDATE ON jobs, artifacts, watermarks TO blackboard_projector;
GRANT SELECT ON turns, steps, rejections, submissions, migrations TO blackboard_projector;

GRANT SELECT ON audit_rows, jobs, artifacts, watermarks, turns, steps, rejections, submissions, migrations TO blackboard_reader;

GRANT SELECT, INSERT, DELETE ON bodies TO blackboard_gateway;
GRANT UPDATE (put_at) ON bodies TO blackboard_gateway;
GRANT SELECT ON watermarks, audit_rows, migrations TO blackboard_gateway;
