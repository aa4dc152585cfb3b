import { resolve } from 'node:path';
import { demoDocuments, demoFolder, demoQuestion } from '../../../workflows/brief/demo-documents.js';
import { examples, withJson, type AddCommand, type JsonOption } from '../context.js';
import { CliError, exitCodes } from '../exit-codes.js';
import { runDemo } from '../run-demo.js';

interface DemoOptions extends JsonOption {
  readonly kafka?: boolean;
  readonly docs?: string;
  readonly question?: string;
  readonly withLiar?: boolean;
  readonly data?: string;
  readonly keep?: boolean;
}

export const addDemo: AddCommand = (program, context) => {
  const command = withJson(program.command('demo'))
    .description('run one job from submission to audit trail, on real documents, and show what happened')
    .option('--with-liar', 'with an agent that fabricates findings: all of them must end in quarantine')
    .option('--docs <dir>', 'your own documents: Markdown, text, HTML (with --question)')
    .option('--question <text>', 'what to ask of them')
    .option('--kafka', 'on a real Kafka, registry and Postgres instead of the embedded default')
    .option('--data <dir>', 'keep log, database and bodies there')
    .option('--keep', 'do not remove the temporary folder')
    .action(async (options: DemoOptions) => {
      if (options.docs !== undefined && options.question === undefined) throw new CliError('usage', '--docs needs a --question to ask of them');
      const completed = await runDemo({
        kafka: options.kafka === true, withLiar: options.withLiar === true, docs: resolve(options.docs ?? demoFolder), question: options.question ?? demoQuestion,
        include: options.docs === undefined ? demoDocuments : null, dataDir: options.data, keep: options.keep === true, json: options.json === true,
      }, context);
      context.finish(completed ? exitCodes.ok : exitCodes.failed);
    });
  examples(command, [
    ['blackboard demo', 'In seconds, with nothing installed but Node'],
    ['blackboard demo --with-liar', 'See what the gate does with fabricated findings'],
    ['blackboard demo --docs ./docs --question "How are retries limited?"', 'Your own documents'],
    ['blackboard demo --kafka', 'The same on a real broker (Java 17+ and Maven, or KAFKA_BROKERS)'],
  ]);
};
