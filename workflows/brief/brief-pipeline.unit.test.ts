import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentHash } from '../../services/blackboard/ids.js';
import { composeBrief } from './compose-brief.js';
import type { CitedFinding } from './compose-brief.js';
import { briefContract, corpusContract, findingContract, planContract } from './contracts.js';
import type { Finding, Plan } from './contracts.js';
import { findPassages } from './find-passages.js';
import { indexPassages } from './rank-passages.js';
import { renderBrief } from './render-brief.js';
import { reviewBrief } from './review-brief.js';
import { splitQuestion } from './split-question.js';

const text = '# Pump\n\n## Pressure\n\nThe pump keeps a pressure of 4 bar. It falls to 2 bar at night.\n\n## Cleaning\n\nClean the filter of the pump every 90 days with [warm](http://x.test) water.\n\n## Weight\n\nThe tower stands on a hill behind the house.\n';
const document = { id: 'pump.md', textHash: contentHash(Buffer.from(text)), sourceHash: contentHash(Buffer.from(text)), mediaType: 'text/markdown' as const, bytes: text.length, modifiedAtMs: 5 };
const index = indexPassages([{ document, text }]);
const plan: Plan = { question: 'What pressure does the pump keep, and how often is the filter cleaned?', items: [{ id: 'q1', question: 'What pressure does the pump keep?' }, { id: 'q2', question: 'How often is the filter cleaned?' }] };
const cite = (finding: Finding): CitedFinding => ({ hash: contentHash(Buffer.from(JSON.stringify(finding))), finding });
const found = plan.items.flatMap((item) => findPassages(item, index)).map(cite);

test('splits a question at its joints and carries the names on', () => {
  assert.deepEqual(splitQuestion(plan.question), plan);
  assert.deepEqual(splitQuestion('How does KafkaJS retry? When does it give up').items.map((item) => item.question), ['How does KafkaJS retry?', 'When does it give up (KafkaJS)?']);
  assert.equal(splitQuestion('a?'.repeat(30).replace(/\?/g, '? ')).items.length, 8);
  for (const odd of ['x', '???', ' \n ', 'and and and']) assert.equal(planContract.rules.safeParse(splitQuestion(odd)).success, odd.trim() !== '', odd);
});

test('finds whole sentences at their place, and takes along the one that a sentence leans on', () => {
  for (const { finding } of found) {
    assert.equal(text.slice(finding.position, finding.position + finding.quote.length), finding.quote);
    assert.ok(findingContract.rules.safeParse(finding).success);
  }
  assert.ok(found.some(({ finding }) => finding.claim.startsWith('The pump keeps a pressure of 4 bar.')));
  const leaning = findPassages({ id: 'q1', question: 'To how many bar does the pressure of the pump fall at night?' }, index);
  assert.equal(leaning[0]?.claim, 'The pump keeps a pressure of 4 bar. It falls to 2 bar at night.');
});

test('finds nothing for a question that the documents do not answer', () => {
  for (const question of ['Who invented the pump?', 'What voltage does the pump need?', 'How is bread baked?', 'Is it?']) assert.deepEqual(findPassages({ id: 'q1', question }, index), [], question);
});

test('composes from verified findings only, and names what has none', () => {
  const brief = composeBrief(plan, found.filter(({ finding }) => finding.subQuestion === 'q1'));
  assert.ok(brief.sentences.length > 0);
  assert.deepEqual(brief.unverified, [{ subQuestion: 'q2', question: 'How often is the filter cleaned?', reason: 'no-passage' }]);
  assert.ok(briefContract.rules.safeParse(brief).success);
  assert.ok(reviewBrief(brief, plan, found).accepted);
  const none = composeBrief(plan, []);
  assert.deepEqual([none.sentences.length, none.unverified.length, reviewBrief(none, plan, []).accepted], [0, 2, true]);
});

test('refuses a draft by sentence and reason', () => {
  const brief = composeBrief(plan, found);
  const review = (changes: Partial<typeof brief>, paraphraseAllowed = false): readonly string[] => reviewBrief({ ...brief, ...changes }, plan, found, paraphraseAllowed).reasons.map(({ code, position }) => `${code}:${position}`);
  const [first, ...rest] = brief.sentences;
  assert.ok(first !== undefined);
  assert.deepEqual(review({}), []);
  assert.deepEqual(review({ sentences: [{ ...first, text: 'The pump keeps a pressure of 9 bar.' }, ...rest] }), ['mode-differs:-1', 'sentence-not-supported:0']);
  assert.ok(review({ sentences: [{ ...first, citations: ['0'.repeat(64)] }, ...rest] }).includes('citation-unknown:0'));
  assert.ok(review({ sentences: [] }).includes('sub-question-missing:1'));
  assert.ok(review({ question: 'Another question?' }).includes('question-differs:-1'));
  assert.ok(review({ sentences: [...brief.sentences, first] }).includes(`sentence-repeated:${brief.sentences.length}`));
  assert.ok(review({ unverified: [{ subQuestion: 'q1', question: 'The pump is deadly.', reason: 'no-passage' }] }).includes('unverified-question-differs:0'));
  assert.deepEqual(review({ mode: 'model', sentences: [{ ...first, text: 'The pump runs at 9 bar.' }, ...rest] }, true), ['sentence-not-supported:0']);
});

test('renders citations, document, position, verbatim quotes and what could not be verified', () => {
  const brief = composeBrief(plan, found);
  const markdown = renderBrief(brief);
  assert.match(markdown, /Extractive: every sentence/);
  assert.match(markdown, /`pump\.md`, position \d+–\d+/);
  assert.match(markdown, /every 90 days with warm water\. \[\d\]/);
  for (const { finding } of found) assert.ok(markdown.includes(finding.quote));
  assert.match(renderBrief(composeBrief(plan, [])), /\*\*Cannot verify\.\*\*[^]*Could not be verified[^]*`no-passage`/);
  assert.doesNotMatch(renderBrief(composeBrief(plan, [])), /documents do not|no passage of/, 'a research step that failed looks the same from here');
});

test('lets no quote break out of its fence, link, load a picture or be HTML', () => {
  const hostile = 'Look: ```` ``` [click](javascript:alert(1)) ![p](http://x.test/p) <script>x</script> http://evil.test now.';
  const finding: Finding = { ...(found[0] as CitedFinding).finding, claim: hostile, quote: `${hostile}\n\`\`\`\n# Heading` };
  const markdown = renderBrief({ ...composeBrief(plan, [cite(finding)]), question: 'Q <b>', sentences: [{ text: hostile, citations: [cite(finding).hash], subQuestion: 'q1' }] });
  const [above, sources] = markdown.split('## Sources') as [string, string];
  assert.doesNotMatch(above, /(?<!\\)<(?:script|b)|\]\(|http:\/\//);
  assert.match(sources, /`{5}text\n[^]*\n`{5}\n/);
});

test('contracts refuse control characters, unknown members, empty and oversized values, and name the field', () => {
  const finding = (found[0] as CitedFinding).finding;
  for (const [field, value] of [['claim', 'a\u001b[2J'], ['claim', ''], ['claim', 'a\nb'], ['quote', 'x'.repeat(2_001)], ['quote', '\ud800'], ['documentId', '../../etc/passwd'], ['documentHash', 'ABC'], ['confidence', 1.5], ['position', -1], ['freshAtMs', 1.5]] as const) {
    const parsed = findingContract.rules.safeParse({ ...finding, [field]: value });
    assert.equal(parsed.error?.issues[0]?.path[0], field, `${field}`);
  }
  assert.equal(findingContract.rules.safeParse({ ...finding, extra: 1 }).success, false);
  assert.equal(planContract.rules.safeParse({ question: 'q', items: [] }).success, false);
  assert.equal(planContract.rules.safeParse({ question: 'q', items: [{ id: 'a', question: 'x' }, { id: 'a', question: 'y' }] }).success, false);
  assert.equal(corpusContract.rules.safeParse({ collectedAtMs: 0, maxAgeMs: 0, documents: [document, document], skipped: [] }).success, false);
});
