// The part of the Compose Specification that docker-compose.yml uses, as a JSON Schema of our own, after
// https://github.com/compose-spec/compose-spec/blob/main/spec.md. Narrower than the specification on purpose: a key
// that is not listed is refused, so that a misspelt one cannot be ignored by an engine.

const text = { type: 'string', minLength: 1 } as const;
const texts = { type: 'array', items: text, uniqueItems: true } as const;
const command = { type: 'array', items: text, minItems: 1 } as const;
const durations = { type: 'string', pattern: '^[0-9]+(ms|s|m)$' } as const;
const named = (values: object): object => ({ type: 'object', patternProperties: { '^[a-zA-Z0-9._-]+$': values }, additionalProperties: false });

const service = {
  type: 'object',
  required: ['image'],
  additionalProperties: false,
  properties: {
    image: text,
    build: text,
    init: { type: 'boolean' },
    user: text,
    network_mode: { type: 'string', pattern: '^service:' },
    restart: { type: 'string', pattern: '^(no|always|unless-stopped|on-failure(:[0-9]+)?)$' },
    read_only: { type: 'boolean' },
    tmpfs: texts,
    cap_drop: texts,
    security_opt: texts,
    stop_grace_period: durations,
    entrypoint: command,
    command,
    environment: { type: 'object', patternProperties: { '^[A-Z][A-Z0-9_]*$': { type: 'string' } }, additionalProperties: false },
    secrets: texts,
    volumes: { type: 'array', items: { type: 'string', pattern: '^[^:]*(\\$\\{[^}]*\\})?[^:]*:/[^:]+(:ro)?$' } },
    ports: texts,
    depends_on: named({ type: 'object', required: ['condition'], additionalProperties: false, properties: { condition: { enum: ['service_started', 'service_healthy', 'service_completed_successfully'] } } }),
    healthcheck: {
      type: 'object', required: ['test', 'interval', 'timeout', 'retries'], additionalProperties: false,
      properties: { test: { type: 'array', items: [{ const: 'CMD' }, text], additionalItems: text, minItems: 2 }, interval: durations, timeout: durations, retries: { type: 'integer', minimum: 1 }, start_period: durations },
    },
  },
} as const;

export const composeSchema = {
  type: 'object',
  required: ['name', 'services'],
  additionalProperties: false,
  patternProperties: { '^x-': {} },
  properties: {
    name: { type: 'string', pattern: '^[a-z0-9][a-z0-9_-]*$' },
    services: named(service),
    volumes: named({ type: 'object', maxProperties: 0 }),
    secrets: named({ type: 'object', required: ['file'], additionalProperties: false, properties: { file: text } }),
  },
} as const;
