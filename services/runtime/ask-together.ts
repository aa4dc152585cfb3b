// Questions of many callers to one source, a round trip for all that wait: what is asked while an answer is under way
// is the next question, so that a thousand who wait for a row cost the database no more than a few.

interface Waiting<Question, Answer> {
  readonly question: Question;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * Makes one `ask` of an `askAll` that answers any number of questions in their order. At most one `askAll` is under way,
 * with at most `most` questions; what it throws is thrown to each who asked.
 */
export function askTogether<Question, Answer>(askAll: (questions: readonly Question[]) => Promise<readonly Answer[]>, most: number): (question: Question) => Promise<Answer> {
  let waiting: Waiting<Question, Answer>[] = [];
  let isUnderWay = false;
  const next = async (): Promise<void> => {
    isUnderWay = true;
    while (waiting.length > 0) {
      const asked = waiting.slice(0, most);
      waiting = waiting.slice(most);
      try {
        const answers = await askAll(asked.map(({ question }) => question));
        asked.forEach(({ resolve }, index) => { resolve(answers[index] as Answer); });
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
    }
    isUnderWay = false;
  };
  return (question) => new Promise((resolve, reject) => {
    waiting.push({ question, resolve, reject });
    // After this turn: those who are woken by one commit ask together.
    if (!isUnderWay && waiting.length === 1) queueMicrotask(() => void next());
  });
}
