// Terms are what a question and a passage are compared by: lower-case stems, with identifiers such as
// `connectionTimeout` kept whole and also taken apart. One function for index, question and threshold.

const stopWords = new Set(
  ('a an the and or but if then else of in on at by for to from with into onto over under about as is are was were be been being am do does did done ' +
    'doing have has had having can could may might must shall should will would i you he she it we they me him her us them my your his its our their ' +
    'this that these those there here what which who whom whose when where why how than so such too very just also any all each every some other ' +
    'one ones own same both between during before after above below out up down off again further once more most not no nor only via per vs ' +
    'get gets getting got let lets make makes made making use used using uses work works working happen happens need needs way ways thing things ' +
    'often many much long few little good best different kind kinds sort sorts ' +
    'possible mean means want does tell explain describe please give given find').split(' '),
);

const words = /[\p{L}\p{N}_$][\p{L}\p{N}_$'’-]*(?:\.[\p{L}\p{N}_$]+)*/gu;

/** Every term of a text, in order, stop words left out. */
export function termsOf(text: string): readonly string[] {
  const terms: string[] = [];
  for (const [word] of text.normalize('NFC').replace(/https?:\/\/\S+|\]\([^)]*\)/g, ' ').matchAll(words)) terms.push(...termsOfWord(word));
  return terms;
}

/** Distinct terms of a text. */
export function termSet(text: string): ReadonlySet<string> {
  return new Set(termsOf(text));
}

function termsOfWord(word: string): readonly string[] {
  const parts = word
    .replace(/['’]s?$/u, '')
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2')
    .split(/[\s._$'’-]+/u)
    .map((part) => part.toLowerCase())
    .filter((part) => part !== '');
  const stems = parts.filter((part) => !stopWords.has(part)).map(stem);
  return parts.length > 1 && stems.length > 0 ? [...stems, parts.join('')] : stems;
}

/** A light stem: plurals and the usual verb and adverb endings, never shorter than three letters. */
function stem(word: string): string {
  if (word.length <= 3 || /\d/.test(word)) return word;
  const singular = word.replace(/(?:ies)$/, 'y').replace(/(?<=(?:ss|sh|ch|x|z))es$/, '').replace(/(?<![su])s$/, '');
  const base = singular.replace(/(?:ization|isation)$/, 'ize').replace(/(?:ation|ations)$/, 'at').replace(/(?:ingly|edly|ing|ed|ly|er|ion|ment)$/, '');
  const kept = base.length >= 3 && /[aeiouy]/.test(base) ? base : singular;
  return kept.replace(/([^aeiouls])\1$/, '$1').replace(/(?<=.{3})e$/, '').replace(/(?<=.{2})y$/, 'i');
}
