#!/bin/bash
# A database of its own for the schema registry. Safe to run again; the password is set anew.
set -euo pipefail
export PGPASSWORD
PGPASSWORD="$(cat "${POSTGRES_PASSWORD_FILE:-/run/secrets/postgres_password}")"
psql -v ON_ERROR_STOP=1 -q -v password="$(cat "${REGISTRY_PASSWORD_FILE:-/run/secrets/registry_password}")" <<'SQL'
SELECT 'CREATE ROLE registry LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'registry') \gexec
ALTER ROLE registry PASSWORD :'password';
SELECT 'CREATE DATABASE registry OWNER registry' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'registry') \gexec
SQL
