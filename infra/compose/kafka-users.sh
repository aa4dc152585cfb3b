#!/bin/bash
# One SCRAM user per secret named kafka_NAME; runs beside the broker, on the listener that only its loopback has. Safe to
# run again: passwords are set anew.
set -euo pipefail
bootstrap="${KAFKA_LOCAL_BOOTSTRAP:-127.0.0.1:9094}"
secrets="${SECRETS_DIR:-/run/secrets}"
tools="${KAFKA_TOOLS:-/opt/kafka/bin/kafka-configs.sh}"
for file in "$secrets"/kafka_*; do
  name="$(basename "$file")"
  name="${name#kafka_}"
  # Only what Kafka's argument syntax takes as it is; make-secrets.ts writes nothing else.
  password="$(cat "$file")"
  [[ "$password" =~ ^[0-9a-f]{32,}$ ]] || { echo "kafka-users: $file holds something else than hex digits" >&2; exit 1; }
  "$tools" --bootstrap-server "$bootstrap" --alter --entity-type users --entity-name "$name" --add-config "SCRAM-SHA-512=[password=$password]" >/dev/null
  echo "kafka-users: $name"
done
