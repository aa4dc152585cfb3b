// The JSON test suite at the HTTP door, twice: each text as the whole body, and as the value of a job's parameter.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { strictJsonRules } from '../runtime/strict-json.js';
import { projectRoot } from '../runtime/project-root.js';
import { ingressRig } from './ingress-rig.js';

const suite = join(projectRoot, '../shared/corpora/json-test-suite/test_parsing');

test('every text of the JSON test suite is answered 2xx or 4xx, never 5xx, and the door stands', { skip: existsSync(suite) ? false : 'the suite is not on this disk' }, async (context) => {
  const rig = await ingressRig();
  const agent = new Agent({ keepAlive: true });
  try {
    const { url } = await rig.ingress();
    const names = readdirSync(suite).filter((name) => name.endsWith('.json')).sort();
    assert.equal(names.length, 318);
    const counts: Record<string, number> = {};
    for (const name of names) {
      const text = readFileSync(join(suite, name));
      const whole = await post(`${url}/v1/jobs`, text, agent);
      const inside = Buffer.concat([Buffer.from(`{"workflow":"brief","idempotencyKey":${JSON.stringify(name)},"params":{"value":`), text, Buffer.from('}}')]);
      const wrapped = await post(`${url}/v1/jobs`, inside, agent);
      for (const [place, answer] of [['as the body', whole], ['as a parameter', wrapped]] as const) {
        const { status, rule } = answer;
        assert.ok((status >= 200 && status < 300) || (status >= 400 && status < 500), `${name} ${place}: ${status}`);
        counts[`${name[0] ?? ''}_ ${place}: ${Math.floor(status / 100)}xx`] = (counts[`${name[0] ?? ''}_ ${place}: ${Math.floor(status / 100)}xx`] ?? 0) + 1;
        // What must be refused is; what must be accepted is refused only by a rule of ours that is stricter.
        if (name.startsWith('n_') && place === 'as the body') assert.ok(status >= 400, `${name} ${place}: ${status}`);
        if (name.startsWith('y_') && place === 'as a parameter' && status >= 400) assert.ok(Object.hasOwn(strictJsonRules, rule) && rule !== 'syntax', `${name}: ${rule}`);
      }
    }
    assert.equal((await fetch(`${url}/health`)).status, 200);
    for (const [what, count] of Object.entries(counts).sort()) context.diagnostic(`${what}: ${count}`);
    context.diagnostic(`JSON test suite at the HTTP door: ${names.length} of 318 cases posted, each twice; none answered 5xx`);
  } finally {
    agent.destroy();
    await rig.close();
  }
});

function post(url: string, body: Buffer, agent: Agent): Promise<{ status: number; rule: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': body.length } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const answer = JSON.parse(Buffer.concat(chunks).toString()) as { rule?: string };
        resolve({ status: response.statusCode ?? 0, rule: answer.rule ?? '' });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
