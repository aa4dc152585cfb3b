// One attempt from run to claim. A throw becomes a reported failure by code; silence is chosen only when nobody waits
// for an answer any more (deadline, closed, shutdown). The claim is posted once the bodies it names are stored.

import { limits, type TopicNames } from '../../../topics/topics.js';
import type { Claim } from '../../../schemas/generated/events.js';
import { coordinate } from '../../blackboard/ids.js';
import type { Clock } from '../../runtime/clock.js';
import type { EventCodec } from '../../runtime/codec/event-codec.js';
import { BlackboardError } from '../../runtime/errors.js';
import type { Keyring } from '../../runtime/keyring.js';
import type { LogPort } from '../../runtime/log/port.js';
import type { Logger } from '../../runtime/logger.js';
import type { Seams } from '../../runtime/seams.js';
import { withSpan } from '../../runtime/telemetry.js';
import type { StepOutcome } from './agent.js';
import type { Attempt } from './attempt-book.js';
import type { AttemptEnding } from './attempt-ending.js';
import { artifactsClaim, bodiesToPut, failureClaim, verdictsClaim, type Answering } from './claims.js';
import type { Asker, GatewayClient } from './gateway-client.js';
import type { Outages } from './outages.js';
import { postClaim } from './post-claim.js';
import { createContext, Tally } from './step-context.js';
import { stepRequestOf } from './step-request.js';

export interface AttemptParts {
  readonly log: LogPort;
  readonly codec: EventCodec;
  readonly keyring: Keyring;
  readonly topics: TopicNames;
  readonly gateway: GatewayClient | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly seams: Seams;
  /** Of the log, as all attempts of the process have met them. */
  readonly outages: Outages;
}

/** `unposted`: the log did not take the claim in time; the orchestrator's deadline closes the attempt. */
export type AttemptEnd = 'answered' | 'failed' | 'aborted' | 'unposted';

/** An agent that does not heed its signal keeps its lane for so long. */
const abortGraceMs = 1_000;
/** @throws whatever the log throws that retrying does not heal. */
export function runAttempt(attempt: Attempt, parts: AttemptParts): Promise<AttemptEnd> {
  const { request, agent } = attempt;
  const name = () => ({ job: request.job, step: request.step, attempt: request.attempt, agent: agent.name });
  return withSpan(`agent ${agent.name}`, name, request.trace, async (span) => {
    // Made when there is something to say: redaction costs a child logger more than a short run costs.
    let child: Logger | null = null;
    const logger = (): Logger => child ??= parts.logger.child(name());
    parts.logger.debug({ instance: request.instance, offset: attempt.offset, ...name() }, 'runs');
    const tally = new Tally();
    const asker = new AttemptAsker(attempt);
    const outcome = await outcomeOf(attempt, { parts, asker, tally, logger });
    if (outcome === null) {
      span.fail(attempt.abortedFor ?? 'aborted');
      return 'aborted';
    }
    const answering: Answering = {
      request, partition: attempt.partition, offset: attempt.offset, agent,
      signer: parts.keyring.signerOf(agent.name), nowMs: parts.clock.nowMs(), trace: span.traceparent,
    };
    const { value, end } = encodeOutcome(outcome, answering, tally, { parts, logger });
    return await postClaim(value, attempt, { parts, logger }) ? end : 'unposted';
  });
}

/** A class, since an object with a getter of its own costs ten times as much, and its members are found slowly. */
class AttemptAsker implements Asker {
  questions = 0;
  readonly principal: string;
  readonly attempt: Asker['attempt'];
  readonly #ending: AttemptEnding;

  constructor({ agent, request, partition, offset, ending }: Attempt) {
    this.principal = agent.name;
    this.attempt = { job: request.job, instance: request.instance, step: request.step, attempt: request.attempt, request: coordinate('v', partition, offset) };
    this.#ending = ending;
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }
}

interface Running {
  readonly parts: AttemptParts;
  readonly asker: Asker;
  readonly tally: Tally;
  /** Stamps the attempt's ids on what it says. */
  readonly logger: () => Logger;
}

/** Null: aborted, nobody waits for an answer. */
async function outcomeOf(attempt: Attempt, running: Running): Promise<StepOutcome | null> {
  const { parts, asker, tally, logger } = running;
  try {
    const outcome = await untilOver(work(attempt, running), attempt.ending, parts.clock);
    if (outcome === null || attempt.ending.isOver) return null;
    if (outcome.outcome === 'judged' !== (attempt.request.type === 'VerificationRequested') && outcome.outcome !== 'failed') {
      logger().error({ outcome: outcome.outcome }, 'the agent answered a verification with artifacts, or a step with verdicts');
      return { outcome: 'failed', code: 'wrong-outcome', retryable: false };
    }
    if (outcome.outcome === 'proposed') {
      const bodies = bodiesToPut(attempt.request, outcome.artifacts);
      if (bodies.length > 0) tally.addReceipts((await gatewayOf(parts).put(asker, bodies)).receipts);
    }
    return attempt.ending.isOver ? null : outcome;
  } catch (error) {
    if (attempt.ending.isOver) return null;
    // The message may hold anything, the documents' own text included: it goes to the log of this process only.
    logger().warn({ err: error }, 'the run threw; a failure is reported by its code');
    return { outcome: 'failed', code: error instanceof BlackboardError && error.code === 'GATEWAY_REFUSED' ? 'gateway-refused' : 'agent-threw', retryable: true };
  }
}

async function work(attempt: Attempt, { parts, asker, tally }: Running): Promise<StepOutcome> {
  const context = await createContext({ request: stepRequestOf(attempt.request), asker, gateway: parts.gateway, tally });
  return attempt.agent.run(context);
}

/** Null when the attempt was over and the work did not end within the grace after that. */
function untilOver<T>(promise: Promise<T>, ending: AttemptEnding, clock: Clock): Promise<T | null> {
  return new Promise((resolve, reject) => {
    let cancel = (): void => undefined;
    const forget = ending.onOver(() => { cancel = clock.after(abortGraceMs, () => resolve(null)); });
    const settled = (): void => {
      cancel();
      forget();
    };
    promise.then((value) => { settled(); resolve(value); }, (error: unknown) => { settled(); reject(error as Error); });
  });
}

function claimOf(answering: Answering, tally: Tally, outcome: StepOutcome): Claim {
  switch (outcome.outcome) {
    case 'proposed': return artifactsClaim(answering, tally.spent, outcome.artifacts);
    case 'judged': return verdictsClaim(answering, tally.spent, outcome.verdicts);
    case 'failed': return failureClaim(answering, tally.spent, outcome);
  }
}

/** What the log takes of an outcome. One that is no claim is its attempt's failure: it must not end the other runs, and this process again after each start. */
function encodeOutcome(outcome: StepOutcome, answering: Answering, tally: Tally, { parts, logger }: Pick<Running, 'parts' | 'logger'>): { readonly value: Buffer; readonly end: AttemptEnd } {
  const { codec, keyring } = parts;
  const sign = (fingerprint: Buffer, body: Buffer): Buffer => keyring.sign(answering.signer, fingerprint, body);
  const failed = (code: string, retryable: boolean) => ({ value: codec.encodeSigned(failureClaim(answering, tally.spent, { code, retryable }), sign), end: 'failed' as const });
  try {
    const value = codec.encodeSigned(claimOf(answering, tally, outcome), sign);
    if (value.length > limits.recordBytesMax) return failed('claim-too-large', false);
    return { value, end: outcome.outcome === 'failed' ? 'failed' : 'answered' };
  } catch (error) {
    logger().error({ err: error }, 'the agent answered with what no claim can hold; a failure is reported by its code');
    return failed('malformed-outcome', true);
  }
}

function gatewayOf(parts: AttemptParts): GatewayClient {
  if (parts.gateway === null) throw new BlackboardError('GATEWAY_UNAVAILABLE', 'this step asks for bodies by reference, but the process was started without a gateway; set GATEWAY_URL');
  return parts.gateway;
}
