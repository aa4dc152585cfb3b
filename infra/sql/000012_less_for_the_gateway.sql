-- The gateway is what agents talk to. It puts and gets bodies: it has no use for the audit rows of all tenants, nor for
-- removing bodies, which are truth.
REVOKE SELECT ON audit_rows FROM blackboard_gateway;
REVOKE DELETE ON bodies FROM blackboard_gateway;
