// What the documents name is there: files, tests by their titles, anchors, rules.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { projectRoot } from '../../services/runtime/project-root.js';
import { anchorOf, headings, localLinks } from './markdown.js';

const documents = [...readdirSync(projectRoot).filter((name) => name.endsWith('.md')), ...readdirSync(join(projectRoot, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
const textOf = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
const architecture = textOf('ARCHITECTURE.md');

describe('ARCHITECTURE.md', () => {
  const rows = [...architecture.matchAll(/^\| (R\d+) \|(.*)\|(.*)\|(.*)\|$/gm)];

  it('has one row for each of the rules R1 to R12', () => {
    assert.deepEqual(rows.map(([, rule]) => rule), Array.from({ length: 12 }, (_none, index) => `R${index + 1}`));
  });

  for (const [, rule = '', , keeps = '', shows = ''] of rows) {
    it(`${rule}: the files that keep it are there, and the test that shows it has that title`, () => {
      assert.ok(filesIn(keeps).length > 0, 'no file keeps it');
      for (const file of filesIn(keeps)) assert.ok(existsSync(join(projectRoot, file)), file);
      const [test] = filesIn(shows);
      const title = /"(.+)"/.exec(shows)?.[1];
      assert.ok(test !== undefined && title !== undefined, 'no test is named');
      assert.ok(textOf(test).includes(`'${title}'`), `${test} has no test "${title}"`);
    });
  }

  it('names no file or folder that is not there', () => {
    for (const file of filesIn(architecture)) assert.ok(existsSync(join(projectRoot, file)), file);
  });

  it('names every folder of the sources in its map', () => {
    const { include } = JSON.parse(textOf('tsconfig.json')) as { include: string[] };
    const services = readdirSync(join(projectRoot, 'services')).map((name) => `services/${name}`);
    for (const folder of [...include.filter((name) => name !== 'services' && existsSync(join(projectRoot, name))), ...services]) assert.ok(architecture.includes(`\`${folder}/\``), `${folder} is not in the file map`);
  });

  it('gives a reason for every library that the runtime imports', () => {
    const table = architecture.slice(architecture.indexOf('### Libraries'), architecture.indexOf('## Not built yet'));
    const imported = new Set(sources().flatMap((file) => [...textOf(file).matchAll(/(?:from|import\() ?'([a-z@][^':]*)'/g)].map(([, name]) => (name ?? '').split('/').slice(0, name?.startsWith('@') ? 2 : 1).join('/'))));
    assert.ok(imported.size > 15, `${imported.size} libraries found`);
    for (const name of imported) assert.ok(table.includes(name.replace(/^(@opentelemetry)\/.*/, '$1/*')), `${name} has no reason`);
  });
});

describe('the documents', () => {
  it('link to files and anchors that are there', () => {
    for (const document of documents) {
      for (const { path, anchor } of localLinks(textOf(document))) {
        const target = path === '' ? document : join(dirname(document), path);
        assert.ok(existsSync(join(projectRoot, target)), `${document} links to ${target}`);
        if (anchor === '') continue;
        const anchors = [1, 2, 3].flatMap((level) => headings(textOf(target), level)).map(anchorOf);
        assert.ok(anchors.includes(anchor), `${document} links to ${target}#${anchor}`);
      }
    }
  });

  it('name no place of any one machine', () => {
    for (const document of documents) assert.doesNotMatch(textOf(document), /(?<![\w.])\/(work|home|root|Users)\//, document);
  });
});

/** Sources that ship. */
function sources(): readonly string[] {
  const { include } = JSON.parse(textOf('tsconfig.json')) as { include: string[] };
  return include.filter((folder) => existsSync(join(projectRoot, folder))).flatMap((folder) => readdirSync(join(projectRoot, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => relative(projectRoot, join(entry.parentPath, entry.name))))
    // The peers of bench/ are installed below it.
    .filter((file) => !file.includes('node_modules'));
}

/** Paths in back-ticks that look like files or folders of this project. */
function filesIn(text: string): readonly string[] {
  const top = new Set(readdirSync(projectRoot));
  return [...text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/`([\w.-]+(?:\/[\w.-]+)*\/?)`/g)].map(([, path]) => path ?? '').filter((path) => path.includes('/') && top.has(path.split('/')[0] ?? ''));
}
