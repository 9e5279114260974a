package io.berth.base.config;

import io.berth.linux.KernelFeature;

/**
 * Every key of the configuration file: name with its table, kind, default and meaning. A key that
 * is not listed here is refused. The default configuration that ships and {@code --print-config}
 * are made from this list.
 */
public enum Key {
  ROOT(
      "root",
      Kind.PATH,
      "/var/lib/berth",
      "What survives a reboot: content, snapshots, volumes, databases, logs of containers."),
  STATE(
      "state",
      Kind.PATH,
      "/run/berth",
      "What a reboot ends: sockets, tasks, pinned network namespaces. At most 70 bytes."),
  INSTANCE(
      "instance",
      Kind.TEXT,
      "",
      "Six hex digits from which names on the host derive; empty: from the path of `state`."),
  LIBEXEC("libexec", Kind.PATH, "/usr/lib/berth", "The programs: bin/, lib/."),
  LOG_LEVEL("log_level", Kind.TEXT, "info", "error, warning, info or debug."),
  WITHOUT_FEATURES(
      "without_features",
      Kind.TEXT_LIST,
      "[]",
      "For tests and diagnosis: features of this kernel to do without, as on an older one. There"
          + " are "
          + KernelFeature.names()
          + "; `berth info --features` tells what is done without them."),

  CGROUP_PARENT(
      "cgroup.parent",
      Kind.TEXT,
      "",
      "Parent cgroup of our own containers; empty: berth-INSTANCE."),

  CLIENTS_CONNECTIONS(
      "clients.connections",
      Kind.NUMBER,
      "1024",
      "Connections to one socket, of all processes; none gets more than are left for others."),
  CLIENTS_CONNECTIONS_PER_PROCESS(
      "clients.connections_per_process", Kind.NUMBER, "256", "Of one process."),
  CLIENTS_CALLS(
      "clients.calls",
      Kind.NUMBER,
      "4096",
      "Calls under way on one socket, of all processes, as far as a service's heap carries them;"
          + " none gets more than are left for others."),
  CLIENTS_CALLS_PER_PROCESS("clients.calls_per_process", Kind.NUMBER, "2048", "Of one process."),

  CONTAINERD_STOP_TIMEOUT(
      "containerd.stop_timeout", Kind.NUMBER, "10", "Seconds between the stop signal and SIGKILL."),
  CONTAINERD_SHUTDOWN_TIMEOUT(
      "containerd.shutdown_timeout",
      Kind.NUMBER,
      "60",
      "Seconds for all containers together, each by its own signal and time, when the host goes"
          + " down; then SIGKILL."),
  CONTAINERD_RESTART_INTERVAL(
      "containerd.restart_interval",
      Kind.NUMBER,
      "10",
      "Seconds between two looks at labels `containerd.io/restart.*`; 0: they do nothing."),
  CONTAINERD_RESTART_LOGS(
      "containerd.restart_logs",
      Kind.TEXT_LIST,
      "[\"/var/log\"]",
      "Where `containerd.io/restart.loguri` may lead, for images bring labels: folders of file://,"
          + " programs of binary:// (nerdctl's restarts log through its own program)."),
  CONTAINERD_EVENT_BACKLOG(
      "containerd.event_backlog",
      Kind.NUMBER,
      "16777216",
      "Bytes of events that wait for a slow subscriber before its stream ends."),
  CONTAINERD_SUBSCRIPTIONS(
      "containerd.subscriptions",
      Kind.NUMBER,
      "1024",
      "Subscriptions to events, of all processes; none gets more than are left for others."),
  CONTAINERD_SUBSCRIPTIONS_PER_PROCESS(
      "containerd.subscriptions_per_process", Kind.NUMBER, "128", "Of one process."),
  CONTAINERD_WARM_ROUNDS(
      "containerd.warm_rounds",
      Kind.NUMBER,
      "200",
      "Containers that the service runs for itself after its start, until health says warmed; 0:"
          + " none, and shim processes run none either."),
  CONTAINERD_LOG_MAX_SIZE(
      "containerd.log_max_size",
      Kind.NUMBER,
      "10485760",
      "Bytes of a container's log file before it is rotated."),
  CONTAINERD_LOG_MAX_FILES(
      "containerd.log_max_files",
      Kind.NUMBER,
      "3",
      "Log files kept of a container, the current one included."),

  SHIM_ISOLATION(
      "shim.isolation",
      Kind.TEXT,
      "pool",
      "pool: several shims in a shim process; container: one each."),
  SHIM_WARM_HOSTS(
      "shim.warm_hosts",
      Kind.NUMBER,
      "1",
      "Shim processes kept ready; while all containers are of one namespace, the one that has them"
          + " counts."),
  SHIM_CONTAINERS_PER_HOST(
      "shim.containers_per_host", Kind.NUMBER, "250", "Containers per shim process."),

  IMAGE_SNAPSHOTTER(
      "image.snapshotter",
      Kind.TEXT,
      "",
      "overlayfs or native, which copies; empty: overlayfs, or native where `root` is on a file"
          + " system that cannot hold overlays."),
  IMAGE_MAX_LAYER_ENTRIES(
      "image.max_layer_entries", Kind.NUMBER, "2000000", "Entries of one layer."),
  IMAGE_MAX_IMAGE_BYTES(
      "image.max_image_bytes", Kind.NUMBER, "107374182400", "Unpacked bytes of one image."),
  IMAGE_MAX_EXPANSION(
      "image.max_expansion",
      Kind.NUMBER,
      "0",
      "Unpacked bytes per compressed byte of a layer; 0: max_image_bytes is the bound."),
  IMAGE_PARALLEL_LAYERS("image.parallel_layers", Kind.NUMBER, "4", "Layers fetched side by side."),
  IMAGE_INSECURE_REGISTRIES(
      "image.insecure_registries",
      Kind.TEXT_LIST,
      "[]",
      "host[:port] of registries whose certificate does not matter, or that have no TLS."),
  IMAGE_REGISTRIES(
      "image.registries",
      Kind.PATH,
      "/etc/berth/registries",
      "Folder of HOST[:PORT].toml (mirrors, ca, skip_verify, plain_http, proxy, username, password)"
          + " or containerd's HOST/hosts.toml; _default for all others."),
  IMAGE_REGISTRY_SILENCE(
      "image.registry_silence",
      Kind.NUMBER,
      "60",
      "Seconds for which a registry may be silent, ten times as many once it was sent a layer; a"
          + " transfer as a whole may take any time."),
  IMAGE_GC_INTERVAL(
      "image.gc_interval",
      Kind.NUMBER,
      "60",
      "Seconds between collections when nothing asks for one."),

  NETWORK_POOL(
      "network.pool", Kind.TEXT, "10.88.0.0/13", "Where subnets of bridges are taken from."),
  NETWORK_PREFIX("network.prefix", Kind.NUMBER, "24", "Prefix length of a bridge's subnet."),
  NETWORK_READY_ENDPOINTS(
      "network.ready_endpoints", Kind.NUMBER, "4", "Endpoints kept ready per network."),
  NETWORK_PORT_FIRST(
      "network.port_first",
      Kind.NUMBER,
      "49153",
      "First host port that is given out automatically."),
  NETWORK_PORT_LAST("network.port_last", Kind.NUMBER, "65535", "Last one."),
  NETWORK_LOCK(
      "network.lock",
      Kind.PATH,
      "/run/berth-subnets.lock",
      "Lock that all instances of this host take while they choose a subnet. Beside it stands,"
          + " until the last of them is removed, that net.ipv4.ip_forward was 0."),
  NETWORK_FORWARD_POLICY(
      "network.forward_policy",
      Kind.TEXT,
      "drop",
      "drop or accept: packets routed between others' links, where net.ipv4.ip_forward was 0 and"
          + " Berth switched it on. Bridges that come later are left to their makers either way."),
  NETWORK_FIREWALL(
      "network.firewall",
      Kind.TEXT,
      "auto",
      "auto, accept or strict: whether chains of other firewalls (docker, ufw, firewalld, a DROP"
          + " policy of FORWARD) are given marked rules that let containers' packets pass. auto:"
          + " where they drop what they do not know; accept: wherever they have rules."),

  CLI_NAMESPACE("cli.namespace", Kind.TEXT, "default", "containerd namespace of `berth`."),
  CLI_IDLE(
      "cli.idle",
      Kind.NUMBER,
      "600",
      "Seconds without a call after which the resident command line ends."),
  CLI_LINES(
      "cli.lines",
      Kind.NUMBER,
      "64",
      "Commands that the resident command line carries out at once; others wait.");

  /** What a value looks like. */
  public enum Kind {
    TEXT,
    PATH,
    NUMBER,
    FLAG,
    TEXT_LIST
  }

  private final String key;
  private final Kind kind;
  private final String defaultValue;
  private final String meaning;

  Key(String key, Kind kind, String defaultValue, String meaning) {
    this.key = key;
    this.kind = kind;
    this.defaultValue = defaultValue;
    this.meaning = meaning;
  }

  /** The name with dots, its table first: {@code shim.isolation}. */
  public String key() {
    return key;
  }

  /** What its value looks like. */
  public Kind kind() {
    return kind;
  }

  /** The default as text, a list in the form that TOML gives it. */
  public String defaultValue() {
    return defaultValue;
  }

  /** What the key is for, in words for people. */
  public String meaning() {
    return meaning;
  }
}
