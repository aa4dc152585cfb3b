#!/usr/bin/env bash
# Builds Temporal's server and its SQL tool from their Go module, and installs its TypeScript SDK. Once; needs Go.
set -euo pipefail
cd "$(dirname "$0")"

version=v1.32.1
into="${BLACKBOARD_CACHE:-$HOME/.cache/blackboard}/temporal-$version"
command -v go >/dev/null || { echo 'Go is missing: https://go.dev/dl' >&2; exit 1; }
mkdir -p "$into"
GOBIN="$into" go install "go.temporal.io/server/cmd/server@$version" "go.temporal.io/server/cmd/tools/sql@$version"
cp -r "$(go env GOMODCACHE)/go.temporal.io/server@$version/schema/postgresql/v12" "$into/schema"
chmod -R u+w "$into/schema"
# The lock file may name packages of one platform only, which "npm ci" refuses elsewhere.
npm install --no-save --no-audit --no-fund
