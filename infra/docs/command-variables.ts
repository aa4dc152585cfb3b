import { z } from 'zod';
import { flag, httpUrl, secret } from '../../services/runtime/config.js';

const path = () => z.string().optional().meta({ shape: 'a path' });

/** Variables that no service reads: those of the command line, of the local servers and of the tests. */
export const commandVariables = z.object({
  BLACKBOARD_URL: httpUrl().optional().describe('Where ingress listens, for commands that talk to it'),
  BLACKBOARD_API_KEY: secret().optional().describe('API key that those commands send'),
  BLACKBOARD_DEBUG: flag().optional().describe('Set: an unexpected error is shown with where it came from'),
  BLACKBOARD_CACHE: path().describe('Folder for Kafka and the registry as they were fetched; default: ~/.cache/blackboard'),
  BLACKBOARD_KAFKA_VERSION: z.string().optional().meta({ shape: 'a version, e.g. 3.9.1' }).describe('Kafka that is fetched and run where no broker is named; default: the newest that is tested'),
  JAVA_HOME: path().describe('Java 17 or newer, where it is not in PATH'),
  POSTGRES_BIN: path().describe('Folder of initdb and postgres, where they are not in the usual places'),
  BLACKBOARD_BUILD_DIR: path().describe('Folder of the compiled code that bin/blackboard.mjs runs; default: dist'),
  REQUIRE_KAFKA: flag().optional().describe('1: a test that is skipped for want of a server is a failure'),
  BLACKBOARD_TEST_STACK: z.string().optional().meta({ shape: 'JSON: {"bootstrap","registryUrl","postgresUrl"}' }).describe('Servers that tests share; set by the test run itself'),
  BLACKBOARD_KILL_AT: z.string().optional().meta({ shape: 'seam:before|after:count' }).describe('Crash tests only: SIGKILL at that time at that side of that I/O'),
  NO_COLOR: z.string().optional().meta({ shape: 'anything' }).describe('Set: no colours on the terminal'),
});
