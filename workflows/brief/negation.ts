// Words that turn a statement round. Used to keep a claim from losing one on its way out of a quote.

const negations = /\b(?:not|never|no|none|nor|neither|nobody|nothing|nowhere|cannot|without|unless|except|hardly|barely|rarely|seldom|unable|only|false|untrue|incorrect|wrong)\b|n['’]t\b/giu;

const turningContexts = /\b(?:not|never|no|none|neither|cannot|without|avoid|unsupported|unavailable|deprecated|removed|wrong|incorrect|false|myths?|disallowed|forbidden|prohibited|rejected|invalid|bad|instead|lacks?|missing|limitations?|unimplemented|planned|todo|future|previously|formerly|before v?\d|breaking)\b|n['’]t\b|~~/iu;

/** Every negating word of a text, lower-case, sorted: two texts that say the same must have the same list. */
export function negationsOf(text: string): readonly string[] {
  return [...text.matchAll(negations)].map(([word]) => (word === "n't" || word === 'n’t' ? 'not' : word.toLowerCase().replace('cannot', 'not'))).sort();
}

/** True when a heading or lead-in may turn round what stands below it ("The following are not supported:"). */
export function mayTurnRound(context: string): boolean {
  return turningContexts.test(context);
}
