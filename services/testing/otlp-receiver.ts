import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedSpan { service: string; name: string; traceId: string; spanId: string; parentSpanId: string; kind: number; status: number; attributes: Record<string, unknown> }

/** A real OTLP-HTTP receiver (JSON encoding) on an ephemeral port. */
export async function otlpReceiver(): Promise<{ url: string; spans: ReceivedSpan[]; paths: string[]; close: () => Promise<void> }> {
  const spans: ReceivedSpan[] = [];
  const paths: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      paths.push(request.url ?? '');
      const value = (attribute: { value: Record<string, unknown> }): unknown => Object.values(attribute.value)[0];
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { resourceSpans: { resource: { attributes: { key: string; value: Record<string, unknown> }[] }; scopeSpans: { spans: (Omit<ReceivedSpan, 'attributes' | 'status' | 'service'> & { status?: { code?: number }; attributes: { key: string; value: Record<string, unknown> }[] })[] }[] }[] };
      for (const { resource, scopeSpans } of body.resourceSpans) {
        const service = String(resource.attributes.filter(({ key }) => key === 'service.name').map(value)[0]);
        assert.deepEqual(resource.attributes.map(({ key }) => key).filter((key) => key.startsWith('process.command') || key.startsWith('host.')), []);
        for (const span of scopeSpans.flatMap((scope) => scope.spans)) {
          spans.push({ service, name: span.name, traceId: span.traceId, spanId: span.spanId, parentSpanId: span.parentSpanId ?? '', kind: span.kind, status: span.status?.code ?? 0, attributes: Object.fromEntries(span.attributes.map((attribute) => [attribute.key, value(attribute)])) });
        }
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, paths, close: () => new Promise((done) => { server.closeAllConnections(); server.close(() => done()); }) };
}
