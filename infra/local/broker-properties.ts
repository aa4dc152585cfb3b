// The server.properties of one combined KRaft node on 127.0.0.1, and nothing else: pure, so that it can be read.

export interface BrokerUser {
  readonly name: string;
  readonly password: string;
}

export interface BrokerSettings {
  readonly dataDir: string;
  readonly ports: BrokerPorts;
  readonly numPartitions: number;
  /** fsync before each acknowledgement: about twice the latency. */
  readonly flushEveryMessage: boolean;
  /** Between broker and controller, which cannot authenticate by what they themselves store. */
  readonly scram?: { readonly superUser: string; readonly internal: BrokerUser };
  readonly extraProperties: Readonly<Record<string, string>>;
}

export interface BrokerPorts {
  readonly client: number;
  readonly internal: number;
  readonly controller: number;
}

/** The text of server.properties. What `extraProperties` names wins. */
export function brokerProperties(settings: BrokerSettings): string {
  const all = { ...core(settings), ...(settings.scram === undefined ? open() : scram(settings.scram)), ...settings.extraProperties };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${escaped(value)}\n`)
    .join('');
}

function core({ dataDir, ports, numPartitions, flushEveryMessage }: BrokerSettings): Record<string, string> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INTERNAL',
    listeners: `CLIENT://127.0.0.1:${ports.client},INTERNAL://127.0.0.1:${ports.internal},CONTROLLER://127.0.0.1:${ports.controller}`,
    'advertised.listeners': `CLIENT://127.0.0.1:${ports.client},INTERNAL://127.0.0.1:${ports.internal}`,
    'log.dirs': dataDir,
    'num.partitions': String(numPartitions),
    'default.replication.factor': '1',
    'auto.create.topics.enable': 'false',
    'offsets.topic.num.partitions': '4',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'controlled.shutdown.enable': 'false', // there is nobody to hand leadership to
    // After a SIGKILL the controller waits for the old session's end before it lets the broker back in; the default is 9 s.
    'broker.session.timeout.ms': '4000',
    'broker.heartbeat.interval.ms': '500',
    ...(flushEveryMessage ? { 'log.flush.interval.messages': '1' } : {}),
  };
}

function open(): Record<string, string> {
  return { 'listener.security.protocol.map': 'CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT' };
}

function scram({ superUser, internal }: { superUser: string; internal: BrokerUser }): Record<string, string> {
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required username="${internal.name}" password="${internal.password}" user_${internal.name}="${internal.password}";`;
  return {
    'listener.security.protocol.map': 'CLIENT:SASL_PLAINTEXT,INTERNAL:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'listener.name.client.sasl.enabled.mechanisms': 'SCRAM-SHA-256',
    'listener.name.internal.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.controller.sasl.enabled.mechanisms': 'PLAIN', // without it the broker does not start
    'listener.name.client.scram-sha-256.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'listener.name.internal.plain.sasl.jaas.config': plain,
    'listener.name.controller.plain.sasl.jaas.config': plain,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': 'false',
    'super.users': `User:${superUser};User:${internal.name}`,
  };
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
