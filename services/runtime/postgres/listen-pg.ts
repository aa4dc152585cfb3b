import pg from 'pg';

const reconnectMs = 500;

/** LISTEN on a connection of its own that is opened again when it breaks; see `ListeningDatabase.listen`. */
export async function listenPg(config: pg.ClientConfig, channel: string, onPayload: (payload: string) => void): Promise<() => Promise<void>> {
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;
  let isStopped = false;

  const connect = async (): Promise<void> => {
    const next = new pg.Client(config);
    const onLost = (): void => {
      if (client !== next) return;
      client = null;
      again();
    };
    next.on('error', onLost);
    next.on('end', onLost);
    next.on('notification', (message) => onPayload(message.payload ?? ''));
    try {
      await next.connect();
      await next.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
    } catch (error) {
      await next.end().catch(() => undefined);
      throw error;
    }
    if (isStopped) await next.end();
    else client = next;
  };
  const again = (): void => {
    if (isStopped) return;
    timer = setTimeout(() => {
      connect().then(() => onPayload(''), again);
    }, reconnectMs);
  };

  await connect();
  return async () => {
    isStopped = true;
    if (timer !== null) clearTimeout(timer);
    const last = client;
    client = null;
    await last?.end();
  };
}
