import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { projectRoot } from './project-root.js';
import { parseStrictJson, parseStrictJsonText, type StrictJsonRefusal, type StrictJsonRule } from './strict-json.js';

const suite = join(projectRoot, '../shared/corpora/json-test-suite/test_parsing');

/** Texts that RFC 8259 allows and the doors refuse: closed, each with the rule that refuses it. */
const refusedByRule: Readonly<Record<string, StrictJsonRule>> = {
  'y_object_duplicated_key.json': 'duplicate-key',
  'y_object_duplicated_key_and_value.json': 'duplicate-key',
  'y_object_escaped_null_in_key.json': 'nul',
  'y_string_null_escape.json': 'nul',
};

function refusal(text: string, limits = {}): StrictJsonRefusal {
  const result = parseStrictJsonText(text, limits);
  assert.equal(result.ok, false, `accepted ${text.slice(0, 60)}`);
  return result as StrictJsonRefusal;
}

function accepted(text: string): unknown {
  const result = parseStrictJsonText(text);
  assert.ok(result.ok, result.ok ? '' : `${result.message} ${text}`);
  return result.value;
}

describe('strict JSON', () => {
  it('decides all 318 cases of the JSON test suite as the suite says', { skip: existsSync(suite) ? false : 'the JSON test suite is not beside this project' }, (t) => {
    const files = readdirSync(suite).filter((file) => file.endsWith('.json')).sort();
    const counts = { accepted: 0, refused: 0, eitherAccepted: 0, eitherRefused: 0 };
    const byRule = new Map<string, number>();
    const ruledOut: Record<string, string> = {};
    for (const file of files) {
      const result = parseStrictJson(readFileSync(join(suite, file)), { depthMax: 1000 });
      if (!result.ok) byRule.set(result.rule, (byRule.get(result.rule) ?? 0) + 1);
      if (file.startsWith('i_')) counts[result.ok ? 'eitherAccepted' : 'eitherRefused'] += 1;
      else if (file.startsWith('n_')) {
        assert.equal(result.ok, false, `${file} must be refused`);
        counts.refused += 1;
      } else {
        if (!result.ok) ruledOut[file] = result.rule;
        else assert.deepEqual(result.value, JSON.parse(readFileSync(join(suite, file), 'utf8')), file);
        counts.accepted += result.ok ? 1 : 0;
      }
    }
    assert.equal(files.length, 318);
    assert.deepEqual(ruledOut, refusedByRule);
    t.diagnostic(`JSON test suite: ${files.length} cases; y_ accepted ${counts.accepted}, y_ refused by a stated rule ${Object.keys(ruledOut).length}; `
      + `n_ refused ${counts.refused}; i_ accepted ${counts.eitherAccepted}, refused ${counts.eitherRefused}`);
    t.diagnostic(`refused by rule: ${[...byRule].map(([rule, count]) => `${rule} ${count}`).join(', ')}`);
  });

  it('refuses 100,000 nested arrays and objects as too deep without overflowing the stack', () => {
    assert.equal(refusal('['.repeat(100_000)).rule, 'depth');
    assert.equal(refusal('['.repeat(100_000) + ']'.repeat(100_000), { depthMax: 64 }).rule, 'depth');
    assert.equal(refusal('{"a":'.repeat(100_000)).rule, 'depth');
    assert.equal(refusal('['.repeat(500_000), { depthMax: 1_000_000 }).rule, 'syntax');
  });

  it('counts depth to the level that the door takes and not one more', () => {
    assert.ok(parseStrictJsonText('[[[]]]', { depthMax: 3 }).ok);
    assert.equal(refusal('[[[[]]]]', { depthMax: 3 }).rule, 'depth');
    assert.ok(parseStrictJsonText('"[[[[[["', { depthMax: 0 }).ok);
  });

  it('names a duplicate key by its JSON pointer, however the key is spelled', () => {
    assert.deepEqual(pick(refusal('{"a":[{"b":1},{"c~/":{"x":1,"y":2,"\\u0078":3}}]}')), ['duplicate-key', '/a/1/c~0~1/x']);
    assert.deepEqual(pick(refusal('{"":1,"":2}')), ['duplicate-key', '/']);
    assert.equal(refusal(`{"${'k'.repeat(500)}":[}`).path, `/${'k'.repeat(198)}…`);
    assert.deepEqual(accepted('[{"a":1},{"a":2},{"b":{"a":1},"a":2}]'), [{ a: 1 }, { a: 2 }, { b: { a: 1 }, a: 2 }]);
  });

  it('refuses keys that reach a prototype, escaped or not, and accepts them as values', () => {
    assert.deepEqual(pick(refusal('{"a":{"__proto__":{"admin":true}}}')), ['forbidden-key', '/a/__proto__']);
    assert.equal(refusal('{"\\u005f_proto__":1}').rule, 'forbidden-key');
    assert.equal(refusal('{"constructor":{"prototype":{}}}').rule, 'forbidden-key');
    assert.deepEqual(accepted('["__proto__","constructor"]'), ['__proto__', 'constructor']);
  });

  it('refuses lone surrogates and accepts pairs', () => {
    for (const text of ['["\\ud800"]', '["\\udc00"]', '["\\ud800x"]', '["\\ud800\\ud800\\udc00"]', '{"\\udead":1}']) assert.equal(refusal(text).rule, 'lone-surrogate', text);
    assert.deepEqual(accepted('["\\ud83d\\ude00"]'), ['\u{1f600}']);
    assert.equal(refusal('"\ud800"').rule, 'utf8');
  });

  it('refuses numbers that a double cannot hold and accepts those it can', () => {
    for (const text of ['1e400', '-1e400', '[1E+9999999999]', '9'.repeat(400)]) assert.equal(refusal(text).rule, 'number-overflow', text);
    for (const text of ['9007199254740992', '-9007199254740993', '9007199254740993e0', '90071992547409931.0', '0.90071992547409931e17']) assert.equal(refusal(text).rule, 'number-precision', text);
    assert.deepEqual(accepted('[9007199254740991,-9007199254740991,1e20,1.7976931348623157e308,0.1234567890123456789,-0,1e-400]'), [9007199254740991, -9007199254740991, 1e20, 1.7976931348623157e308, 0.12345678901234568, -0, 0]);
  });

  it('reads a number in time that grows with its length, wherever its zeros are', () => {
    const startedMs = performance.now();
    assert.equal(refusal(`9007199254740993.${'0'.repeat(150_000)}1`).rule, 'number-precision');
    assert.ok(performance.now() - startedMs < 5_000);
  });

  it('refuses a byte order mark, bad UTF-8, UTF-16 and oversized texts before it parses', () => {
    const bytes = (...values: number[]): string => { const result = parseStrictJson(Uint8Array.from(values)); return result.ok ? 'ok' : result.rule; };
    assert.equal(bytes(0xef, 0xbb, 0xbf, 0x7b, 0x7d), 'bom');
    assert.equal(bytes(0xff, 0xfe, 0x7b, 0x00), 'utf8');
    assert.equal(bytes(0x22, 0xc0, 0x80, 0x22), 'utf8');
    assert.equal(bytes(0x22, 0xed, 0xa0, 0x80, 0x22), 'utf8');
    assert.equal(bytes(0x5b, 0x5d), 'ok');
    assert.equal(refusal('[1,2]', { bytesMax: 4 }).rule, 'size');
  });

  it('reads exactly the bytes of a view into a larger buffer', () => {
    const result = parseStrictJson(Buffer.from('xx[1]xx').subarray(2, 5));
    assert.deepEqual(result, { ok: true, value: [1] });
  });

  it('says where a text breaks and never quotes it', () => {
    const result = refusal('{"a":[1,{"b":secret}]}');
    assert.deepEqual(pick(result), ['syntax', '/a/1/b']);
    assert.match(result.message, /at character 13/);
    assert.doesNotMatch(result.message, /secret/);
    assert.match(refusal('').message, /at character 0, the end of the text/);
    assert.match(refusal('{"a":"cut').message, /at character 9, the end of the text/);
  });

  it('agrees with JSON.parse on the syntax of 200,000 mutated texts', (t) => {
    const seeds = ['{"a":[1,2.5e3,-0,true,false,null,{"b":"c\\n\\u0041"}],"d":{}}', '[[],{},"",0,[[1]]]', ' {"k" : "v" , "n":-1.0E+2 } '];
    const alphabet = '{}[]",:\\u0123eE+-.tfn \n\t\u0001\u00e9';
    let state = 12345;
    const random = (below: number): number => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return Math.floor((state / 4294967296) * below); };
    let wellFormed = 0;
    for (let round = 0; round < 200_000; round += 1) {
      let text = seeds[round % seeds.length] ?? '';
      for (let edit = random(3); edit >= 0; edit -= 1) {
        const at = random(text.length + 1);
        text = text.slice(0, at) + (random(2) ? alphabet[random(alphabet.length)] ?? '' : '') + text.slice(at + random(3));
      }
      const mine = parseStrictJsonText(text);
      const theirs = parses(text);
      if (theirs) wellFormed += 1;
      if (mine.ok || mine.rule === 'syntax') assert.equal(mine.ok, theirs, JSON.stringify(text));
      if (mine.ok) assert.deepEqual(mine.value, JSON.parse(text));
    }
    t.diagnostic(`${wellFormed} of 200,000 mutated texts were well-formed`);
    assert.ok(wellFormed > 1000);
  });

  it('parses a 1 KB body in well under a millisecond', (t) => {
    const body = Buffer.from(JSON.stringify({ tenant: 'acme', key: 'k-1', question: 'What does the flag do? '.repeat(20), documents: Array.from({ length: 12 }, (_, index) => ({ name: `doc-${index}.md`, bytes: index * 37, ok: true })) }));
    const rounds = 20_000;
    for (let round = 0; round < 2_000; round += 1) parseStrictJson(body);
    const started = process.hrtime.bigint();
    for (let round = 0; round < rounds; round += 1) parseStrictJson(body);
    const microseconds = Number(process.hrtime.bigint() - started) / 1000 / rounds;
    t.diagnostic(`${body.length} bytes: ${microseconds.toFixed(2)} µs each, ${Math.round(1e6 / microseconds)} bodies/s`);
    assert.ok(microseconds < 1000);
  });
});

function pick(result: StrictJsonRefusal): [string, string | undefined] {
  return [result.rule, result.path];
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
