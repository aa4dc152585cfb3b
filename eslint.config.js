// House rules as code: which way imports may go, what a pure file may not touch, and how large things may grow.
import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';

// The closed list of pure verbs: a file with one of these names may not perform I/O, read the clock or roll dice.
// That is what makes it replayable.
const PURE = [
  'services/blackboard/**/*.ts',
  'services/orchestrator/{judge,decide,decide-record,conduct,evolve,turn,checkpoint}.ts',
  'services/projector/{project,project-artifacts}.ts',
  'services/gateway/{authorize,capabilities}.ts',
  'services/ingress/admit.ts',
  'workflows/brief/{compose-brief,review-brief,verify-finding,compare-claim,split-question,split-units,rank-passages}.ts',
  'evals/score.ts',
];
const TESTS = ['**/*.test.ts', 'services/testing/**', '**/testing/**', '**/*-rig.ts', '**/testing-*.ts'];
const KAFKA = ['services/runtime/log/kafka/**', 'infra/**', 'bench/**', '**/*.test.ts'];
const STAGES = ['ingress', 'orchestrator', 'agents', 'gateway', 'projector', 'bridge'];
// Composition: they start stages beside one another, and are imported by nobody but each other.
const COMPOSITION = 'up|cli';

const zones = [
  { target: './schemas/!(*.test).ts', from: ['./topics', './services', './replay', './evals', './infra', './workflows'], message: 'schemas imports nothing: it is the contract.' },
  { target: './topics/!(*.test).ts', from: ['./replay', './evals', './infra', './workflows'], message: 'topics is data.' },
  { target: `./services/!(${COMPOSITION}|testing)/**/!(*.test|*-rig|own-*|test-*).ts`, from: ['./replay', './evals'], message: 'services never look up at their callers.' },
  { target: './services/blackboard', from: './services/!(blackboard)/**/*', message: 'blackboard knows nouns only, never stages or plumbing.' },
  { target: './services/runtime/**/!(*.test|own-*|test-*|testing-*).ts', from: `./services/!(runtime|blackboard)/**/*`, message: 'plumbing knows no stage.' },
  ...STAGES.map((stage) => ({
    target: `./services/${stage}/**/!(*.test|*-rig|testing-*).ts`,
    from: `./services/!(${stage}|blackboard|runtime)/**/*`,
    message: 'stages talk through topics, never through imports.',
  })),
  { target: `./services/!(testing)/**/!(*.test|*-rig|testing-*).ts`, from: './services/testing/**/*', message: 'test support stays out of processes.' },
  { target: './replay/**/!(*.test).ts', from: ['./services/*/main.ts', './services/runtime/run-stage.@(ts)', './services/runtime/log/kafka/{kafka-log,kafka-writer,leader-sender}.ts', './services/orchestrator/{partition-owner,start-orchestrator}.ts', './evals/**/*'], message: 'replay reuses verbs and readers; it cannot write.' },
  { target: './evals', from: ['./services/*/main.ts', './infra/**/*'], message: 'evals call verbs, not processes.' },
  { target: './infra/**/!(*.test).ts', from: ['./services/!(runtime|blackboard)/**/*', './replay/**/*', './evals/**/*'], message: 'infra applies data; it knows no stage.' },
];

const noKafka = { group: ['kafkajs', 'kafkajs/*'], message: 'Only the Kafka adapter and infra know the client.' };

export default tseslint.config(
  { ignores: ['node_modules', 'dist', '.build', '.blackboard', 'schemas/generated', '**/*.mjs', '**/*.js', 'examples/**/node_modules'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.base],
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver': { node: { extensions: ['.ts', '.js'], extensionAlias: { '.js': ['.ts', '.js'] } } },
      'import-x/extensions': ['.ts'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-default-export': 'error',
      'import-x/no-restricted-paths': ['error', { zones }],
      'max-lines': ['error', { max: 300, skipComments: true, skipBlankLines: true }],
      'max-lines-per-function': ['error', { max: 70, skipComments: true, skipBlankLines: true }],
      'max-params': ['error', 5],
      'no-console': 'error',
      'no-empty': 'error',
    },
  },
  { files: ['**/*.ts'], ignores: KAFKA, rules: { 'no-restricted-imports': ['error', { patterns: [noKafka] }] } },
  {
    files: PURE,
    ignores: TESTS,
    rules: {
      'no-restricted-imports': ['error', { patterns: [
        noKafka,
        { group: ['node:*', '!node:crypto', '!node:util', 'pg', 'pg/*', 'pino'], message: 'Pure file: no I/O libraries. (Hashing and comparing are pure.)' },
        { group: ['**/runtime/log/**', '**/runtime/postgres/**', '**/main.js'], message: 'Pure file: no plumbing.' },
      ] }],
      'no-restricted-globals': ['error', 'process', 'fetch', 'setTimeout', 'setInterval', 'console', 'crypto', 'performance'],
      'no-restricted-properties': ['error',
        { object: 'Math', property: 'random', message: 'Take a seed or an id from the message.' },
        { object: 'Date', property: 'now', message: 'Take `now` from the message.' }],
      'no-restricted-syntax': ['error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Take `now` from the message.' },
        { selector: 'AwaitExpression', message: 'Pure files are synchronous.' },
        { selector: ':function[async=true]', message: 'Pure files are synchronous.' }],
    },
  },
  { files: TESTS, rules: { 'max-lines': 'off', 'max-lines-per-function': 'off', 'no-console': 'off' } },
  { files: ['services/cli/**', 'evals/run.ts', 'bench/**'], rules: { 'no-console': 'off' } },
);
