/** Ports of a node, counted from its first. */
export const KAFKA_PORTS = { plaintext: 0, sasl: 1, controller: 2, proxied: 3, proxy: 4 } as const;
/** Between the first ports of two nodes of a cluster. */
export const PORTS_PER_NODE = 10;

/** The users of the SASL listener: `admin` may do all, `limited` nothing until it is granted (both PLAIN), `scram` nothing (SCRAM-SHA-256 and -512). */
export const KAFKA_USERS = {
  admin: { username: "admin", password: "admin-secret" },
  limited: { username: "limited", password: "limited-secret" },
  scram: { username: "scram", password: "scram-secret" },
} as const;

export interface KafkaNodeSettings {
  readonly id: number;
  /** First port of the first node. */
  readonly port: number;
  readonly nodes: number;
  readonly data: string;
  readonly config?: string | undefined;
}

/** The configuration of a node that is broker and controller at once. */
export function kafkaSettings({ id, port, nodes, data, config = "" }: KafkaNodeSettings): string {
  const first = (node: number): number => port + (node - 1) * PORTS_PER_NODE;
  const at = (role: keyof typeof KAFKA_PORTS, node = id): string => `127.0.0.1:${first(node) + KAFKA_PORTS[role]}`;
  const ids = Array.from({ length: nodes }, (_, index) => index + 1);
  const replicas = nodes;
  const inSync = nodes > 1 ? nodes - 1 : 1;
  const plain = Object.values({ admin: KAFKA_USERS.admin, limited: KAFKA_USERS.limited }).map((user) => `user_${user.username}="${user.password}"`);
  return `process.roles=broker,controller
node.id=${id}
controller.quorum.voters=${ids.map((node) => `${node}@${at("controller", node)}`).join(",")}
controller.listener.names=CONTROLLER

# Clients always go on to the advertised address: only a listener that advertises the port of a proxy keeps them behind it.
listeners=PLAINTEXT://${at("plaintext")},SASL://${at("sasl")},PROXIED://${at("proxied")},CONTROLLER://${at("controller")}
advertised.listeners=PLAINTEXT://${at("plaintext")},SASL://${at("sasl")},PROXIED://${at("proxy")}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required ${plain.join(" ")};
listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;

# Who comes without a name may do all, as on a broker without rights; the others what they are granted.
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:admin

log.dirs=${data}
auto.create.topics.enable=false
num.partitions=4
default.replication.factor=${replicas}
min.insync.replicas=${inSync}
offsets.topic.replication.factor=${replicas}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=${replicas}
transaction.state.log.min.isr=${inSync}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=${replicas}
share.coordinator.state.topic.min.isr=${inSync}
share.coordinator.state.topic.num.partitions=4

# Groups that form at once, and sessions short enough for tests of their end.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.heartbeat.interval.ms=500
group.consumer.heartbeat.interval.ms=1000
group.consumer.min.session.timeout.ms=3000
group.consumer.session.timeout.ms=6000

# A killed node is missed soon, and leaves little behind.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
log.segment.bytes=67108864
log.retention.bytes=1073741824
log.cleaner.dedupe.buffer.size=16777216
num.io.threads=2
num.network.threads=2
num.recovery.threads.per.data.dir=1
${config}
`;
}
