// What the demo answers when nobody names a question or a folder: real documents that others wrote and that are on
// disk after installation.

import { join } from 'node:path';
import { projectRoot } from '../../services/runtime/project-root.js';

/** The folder that the demo's collector may read; absolute. */
export const demoFolder: string = join(projectRoot, 'node_modules');

/** Files below `demoFolder`, as the `include` parameter of the `brief` workflow. */
export const demoDocuments: readonly string[] = [
  'cockatiel/readme.md',
  'commander/Readme.md',
  'fastify/docs/Reference/Errors.md',
  'fastify/docs/Reference/Hooks.md',
  'fastify/docs/Reference/Lifecycle.md',
  'fastify/docs/Reference/Reply.md',
  'fastify/docs/Reference/Routes.md',
  'fastify/docs/Reference/Server.md',
  'kafkajs/README.md',
  'lmdb/README.md',
  'pino/docs/api.md',
  'pino/docs/help.md',
  'pino/docs/transports.md',
];

/** Five sub-questions: four that the documents answer, one that they do not. */
export const demoQuestion =
  'Which error is thrown while a circuit is open, what does a bulkhead limit, what does Fastify do with an error whose statusCode is less than 400, what does Pino do when process.exit() is called before a transport starts, and who invented the circuit breaker?';
