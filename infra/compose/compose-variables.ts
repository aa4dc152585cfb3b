import { z } from 'zod';
import { integer } from '../../services/runtime/config.js';

/** Variables that docker-compose.yml fills in; `docker compose` reads them from the environment or a file named .env. */
export const composeVariables = z.object({
  BLACKBOARD_SECRETS: z.string().default('./secrets').describe('Folder of secret files, made by infra/compose/make-secrets.ts').meta({ shape: 'a path' }),
  BLACKBOARD_DOCUMENTS: z.string().default('./documents').describe('Folder that the collector may read, as /documents in jobs').meta({ shape: 'a path' }),
  BLACKBOARD_UID: integer(1, 2_147_483_647).default(1000).describe('User that containers run as: the owner of the secret files'),
  BLACKBOARD_GID: integer(0, 2_147_483_647).default(1000).describe('Group that containers run as'),
  INGRESS_PUBLISH: z.string().default('127.0.0.1:7117').describe('Where ingress is published on the host').meta({ shape: 'address:port' }),
});
