/** Ports of a node, counted from its first. */
export const RABBITMQ_PORTS = { amqp: 0, distribution: 1, epmd: 2 } as const;

/** What fell due while the broker started is sent on after 3 s, and not after its usual 3 minutes. */
export const RABBITMQ_ADVANCED = "[{rabbit, [{dead_letter_worker_publisher_confirm_timeout, 3000}]}].\n";

/** The configuration. Limits on disk and memory are those of a machine that has other things to do. */
export function rabbitmqSettings(port: number, config = ""): string {
  return `listeners.tcp.1 = 127.0.0.1:${port + RABBITMQ_PORTS.amqp}
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.relative = 0.4
log.console = true
log.console.level = info
log.file = false
${config}
`;
}

/** Everything that a node would otherwise share with the system's own one, kept inside its folder and on its own ports. */
export function rabbitmqEnvironment(home: string, port: number): Record<string, string | undefined> {
  return {
    PATH: process.env.PATH,
    LANG: "C.UTF-8",
    // The cookie, by which nodes and their tools know each other, is made here.
    HOME: home,
    ERL_EPMD_PORT: String(port + RABBITMQ_PORTS.epmd),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_NODENAME: "millrace@localhost",
    RABBITMQ_NODE_PORT: String(port + RABBITMQ_PORTS.amqp),
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_DIST_PORT: String(port + RABBITMQ_PORTS.distribution),
    RABBITMQ_MNESIA_BASE: `${home}/data`,
    RABBITMQ_LOG_BASE: `${home}/log`,
    RABBITMQ_CONF_ENV_FILE: `${home}/none`,
    RABBITMQ_CONFIG_FILE: `${home}/rabbitmq.conf`,
    RABBITMQ_ADVANCED_CONFIG_FILE: `${home}/advanced.config`,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${home}/enabled_plugins`,
    RABBITMQ_PID_FILE: `${home}/rabbit.pid`,
    RABBITMQ_GENERATED_CONFIG_DIR: `${home}/config`,
    // Erlang asks for the machine's own name several times, and where no server answers, each time costs five seconds.
    ERL_INETRC: `${home}/inetrc`,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
    // The start script then becomes the server instead of staying beside it: one process to signal.
    RUNNING_UNDER_SYSTEMD: "true",
  };
}

/** Erlang's rules for looking up names: those that are known here, and nobody is asked. */
export function erlangNames(hostname: string): string {
  const short = hostname.split(".")[0];
  return `{lookup, [file]}.\n{host, {127,0,0,1}, ["localhost", "${short}", "${hostname}"]}.\n`;
}
