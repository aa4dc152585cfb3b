import { examples, withJson, type AddCommand, type JsonOption } from '../context.js';
import { diagnose, type Finding } from '../diagnose.js';
import { exitCodes } from '../exit-codes.js';
import { defaultDataDir } from '../open-world.js';
import { withProgress } from '../progress.js';
import { readNumber } from '../read-params.js';
import { foreign, jsonLine, type Terminal } from '../terminal.js';
import { padEnd, wrapText } from '../text-layout.js';

interface DoctorOptions extends JsonOption {
  readonly data: string;
  readonly port: number;
  readonly kafka?: boolean;
}

export const addDoctor: AddCommand = (program, context) => {
  const command = withJson(program.command('doctor'))
    .description('say what is missing on this machine, and how to get it')
    .option('--data <dir>', 'folder that "up" would use', defaultDataDir)
    .option('--port <n>', 'port that "up" would use', readNumber('--port', 1, 65_535), 7117)
    .option('--kafka', 'what --kafka needs is required')
    .action(async (options: DoctorOptions) => {
      const { terminal, env } = context;
      const findings = await withProgress(terminal, 'looking', () => diagnose({ env, dataDir: options.data, port: options.port, kafka: options.kafka === true }));
      terminal.out(options.json === true ? jsonLine(findings) : doctorText(findings, terminal));
      context.finish(findings.some(({ verdict }) => verdict === 'missing') ? exitCodes.configuration : exitCodes.ok);
    });
  examples(command, [
    ['blackboard doctor', 'Before the first start; looks at servers that the environment names as well'],
    ['blackboard doctor --kafka --json', 'For a machine that is to run Kafka, read by a program'],
  ], 'Ends with 0 when nothing is missing, 78 otherwise.');
};

export function doctorText(findings: readonly Finding[], { columns, colors }: Pick<Terminal, 'columns' | 'colors'>): string {
  const lead = 15;
  const line = ({ name, verdict, found, hint }: Finding): string => {
    const mark = verdict === 'ok' ? colors.green('✔') : verdict === 'missing' ? colors.red('✘') : colors.yellow('–');
    const [first = '', ...more] = wrapText(foreign(found), columns - lead);
    const rest = [...more, ...(hint === '' ? [] : wrapText(`→ ${foreign(hint)}`, columns - lead))];
    return `${mark} ${padEnd(name, lead - 2)}${first}\n${rest.map((text) => `${' '.repeat(lead)}${text}\n`).join('')}`;
  };
  const missing = findings.filter(({ verdict }) => verdict === 'missing').length;
  return `${findings.map(line).join('')}\n${missing === 0 ? colors.green('nothing is missing') : colors.red(`${missing} missing`)}\n`;
}
