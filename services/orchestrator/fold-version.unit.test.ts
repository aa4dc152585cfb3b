import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { foldSources, foldVersion } from './fold-version.js';

describe('the version of a snapshot', () => {
  it('covers every file of ours that the fold, the freezing and the thawing run', () => {
    const listed = new Set(foldSources.map((source) => new URL(source, import.meta.url).href));
    for (const file of listed) {
      for (const [, imported = ''] of readFileSync(new URL(file), 'utf8').matchAll(/^(?:import|export) [^;]*?from '(\.[^']*)'/gm)) {
        const needed = new URL(imported, file).href;
        assert.ok(listed.has(needed), `${file} imports ${needed}`);
      }
    }
    assert.match(foldVersion(), /^[0-9a-f]{16}$/);
  });
});
