import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { mutantOf, mutants } from './catalogue.js';
import { editSource } from './edit-source.js';
import { rules } from './mutant.js';
import { guards, pairs } from './pairs.js';
import { plant } from './plant.js';

const compiled = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

/** Three of the quickest to be seen: by an invariant, by a rule, and since the run does not come to rest. */
const sample = ['cursor-off-by-one', 'taken-again-without-a-pause', 'job-deadline-never-bites'];

describe('the catalogue of planted bugs', () => {
  it('changes text that stands in the compiled runtime exactly once', () => {
    const stale: string[] = [];
    for (const mutant of [...mutants, ...guards]) {
      try {
        for (const file of new Set(mutant.edits.map(([where]) => where))) assert.notEqual(editSource(mutant, file, compiled(file)), compiled(file), `mutant ${mutant.id} changes nothing in ${file}`);
      } catch (error) {
        stale.push((error as Error).message);
      }
    }
    assert.deepEqual(stale, []);
  });

  it('lets both of a pair be planted together', () => {
    for (const { of } of pairs) {
      const edited = of.map(mutantOf);
      for (const file of new Set(edited.flatMap(({ edits }) => edits.map(([where]) => where)))) edited.reduce((text, mutant) => editSource(mutant, file, text), compiled(file));
    }
  });

  it('says which mutant no longer fits, and where', () => {
    assert.throws(() => editSource({ id: 'gone', edits: [['x.js', 'nowhere', '']] }, 'x.js', 'text'), /mutant gone: the text to change occurs 0 times in x\.js/);
    assert.throws(() => editSource({ id: 'twice', edits: [['x.js', 'a', '']] }, 'x.js', 'a a'), /mutant twice: .* 2 times/);
  });

  it('has at least sixty, at least two for each rule, and no name twice', () => {
    assert.ok(mutants.length >= 60, `${mutants.length}`);
    assert.deepEqual(rules.filter((rule) => mutants.filter(({ breaks }) => breaks === rule).length < 2), []);
    const ids = [...mutants, ...guards].map(({ id }) => id);
    assert.deepEqual(ids.filter((id, index) => ids.indexOf(id) !== index), []);
  });

  it('names tests that are there', () => {
    for (const { id, caughtBy } of mutants) if (typeof caughtBy !== 'string') assert.ok(compiled(caughtBy.test).includes(caughtBy.title), `${id}: ${caughtBy.test} has no test "${caughtBy.title}"`);
  });

  for (const id of sample) {
    it(`has ${id} seen by the checker that it is tagged with`, { timeout: 120_000 }, async () => {
      const planted = await plant({ ids: [id], caughtBy: mutantOf(id).caughtBy, seedsMin: 3, seedsMax: 27 });
      assert.equal(planted.error, '');
      assert.notEqual(planted.seeds, null, `seen by ${planted.seenBy.join(' ')} alone`);
    });
  }
});
