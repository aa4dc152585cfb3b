// I13 in Postgres: who may change audit rows. Read from the catalogue: neither the migrations nor their dump is asked.

import type { Database } from '../runtime/database.js';
import type { Findings } from './findings.js';

const statements = { UPDATE: 16, DELETE: 8, TRUNCATE: 32 } as const;
const isBefore = 2;

/** Answers how many grants were looked at. */
export async function checkPrivileges(db: Pick<Database, 'query'>, findings: Findings): Promise<number> {
  const grants = await db.query<{ role: string; privilege: string }>(`
    SELECT CASE g.grantee WHEN 0 THEN 'public' ELSE g.grantee::regrole::text END AS role, g.privilege_type AS privilege
    FROM pg_class c, LATERAL aclexplode(c.relacl) g WHERE c.oid = 'audit_rows'::regclass AND g.grantee <> c.relowner
    UNION ALL
    SELECT CASE g.grantee WHEN 0 THEN 'public' ELSE g.grantee::regrole::text END, g.privilege_type
    FROM pg_attribute a, pg_class c, LATERAL aclexplode(a.attacl) g WHERE a.attrelid = 'audit_rows'::regclass AND c.oid = a.attrelid AND g.grantee <> c.relowner`);
  for (const { role, privilege } of grants) {
    if (privilege !== 'SELECT' && privilege !== 'INSERT') findings.add('I13', `the role ${role} holds ${privilege} on audit_rows; revoke it`);
  }
  const owners = await db.query<{ role: string }>(`
    SELECT r.rolname AS role FROM pg_roles r, pg_class c WHERE c.oid = 'audit_rows'::regclass AND r.rolname LIKE 'blackboard\\_%' AND r.oid <> c.relowner
    AND (r.rolsuper OR pg_has_role(r.oid, c.relowner, 'MEMBER'))`);
  for (const { role } of owners) findings.add('I13', `the role ${role} may act as the owner of audit_rows, or of everything; revoke that`);
  // One with a condition, or for some columns alone, lets other changes through.
  const triggers = await db.query<{ kind: number; enabled: string; raises: boolean }>(`
    SELECT t.tgtype::integer AS kind, t.tgenabled AS enabled, p.prosrc ~* 'RAISE\\s+EXCEPTION' AND p.prosrc !~* 'RETURN' AS raises
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = 'audit_rows'::regclass AND NOT t.tgisinternal AND t.tgqual IS NULL AND t.tgattr::text = ''`);
  for (const [statement, bit] of Object.entries(statements)) {
    const refuses = triggers.some(({ kind, enabled, raises }) => raises && (enabled === 'O' || enabled === 'A') && (kind & bit) !== 0 && (kind & isBefore) !== 0);
    if (!refuses) findings.add('I13', `nothing in the database refuses ${statement} of audit_rows: the trigger audit_rows_append_only is gone, off or empty`);
  }
  return grants.length;
}
