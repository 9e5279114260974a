package io.berth.cli;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What docker's command line has and this one has not: for each verb and each option the reason,
 * and what does instead. A line that uses one is refused with these words, so that nobody has to
 * find out whether a word was mistyped. A test compares this table with docker's own lists.
 */
final class Elsewhere {
  private static final String BUILD =
      "images are built by other programs (buildah, kaniko); `load` or `pull` brings them here";
  private static final String SWARM = "there are no swarms of machines; this is one host";
  private static final String WINDOWS = "is of Windows; here --cpus and -m bound a container";
  private static final String IPV6 = "containers have no IPv6 addresses; leave it out";
  private static final String CHECKPOINT =
      "containers are not checkpointed; `stop` ends one, `pause` freezes it";
  private static final String ONE_NETWORK =
      "a container has the one network that it was made with: `run --network NAME`";
  private static final String CLUSTER = "is of volumes of swarms; this is one host";
  private static final String REMOTE =
      "the services are reached by their sockets alone; name another one with --address";

  private static final Map<String, String> VERBS = verbs();
  private static final Map<String, String> OPTIONS = options();

  private Elsewhere() {}

  /** Why a verb of docker's is none here; null for a word that docker has not either. */
  static @Nullable String verb(String words) {
    return VERBS.get(words);
  }

  /**
   * Why an option of docker's is none here; null for one that docker has not either.
   *
   * @param command the words that call the verb, without the program's name
   */
  static @Nullable String option(String command, String option) {
    return OPTIONS.get(plain(command) + " " + option);
  }

  /** All rows, each as a verb and an option. */
  static List<String> optionRows() {
    return OPTIONS.keySet().stream().sorted().toList();
  }

  // `container run` and `run` are one verb; `network rm` and `rm` are not.
  private static String plain(String command) {
    return switch (command) {
      case "image ls", "images ls" -> "images";
      case "image rm" -> "rmi";
      default -> command.replaceFirst("^(container|images?) (?!inspect|prune)", "");
    };
  }

  private static Map<String, String> verbs() {
    Map<String, String> rows = new HashMap<>();
    for (String verb : List.of("build", "builder", "buildx", "image build")) {
      rows.put(verb, BUILD);
    }
    for (String verb : List.of("swarm", "node", "service", "stack", "secret", "config")) {
      rows.put(verb, SWARM);
    }
    rows.put("checkpoint", CHECKPOINT);
    rows.put("volume update", CLUSTER);
    rows.put("network connect", ONE_NETWORK);
    rows.put("network disconnect", ONE_NETWORK);
    rows.put("search", "registries are searched on their own pages; `pull` fetches by name");
    rows.put("context", REMOTE);
    rows.put("plugin", "there are no plugins: volumes are `local`, networks bridge or routed");
    rows.put("manifest", "`image inspect` shows an image, and `push` sends all its platforms");
    rows.put("trust", "images are not signed here; name them by digest: NAME@sha256:...");
    rows.put("compose", "give docker-compose the socket of dockerd, or start each by `run`");
    return Map.copyOf(rows);
  }

  private static Map<String, String> options() {
    Map<String, String> rows = new HashMap<>();
    for (String verb : List.of("run", "create")) {
      for (String option :
          List.of("--cpu-count", "--cpu-percent", "--io-maxbandwidth", "--io-maxiops")) {
        rows.put(verb + " " + option, WINDOWS);
      }
      rows.put(
          verb + " --health-start-interval",
          "probes come at --health-interval, from the start on; --health-start-period forgives");
      rows.put(verb + " --gpus", "name each device: --device /dev/nvidia0");
      rows.put(verb + " --ip6", IPV6);
      rows.put(verb + " --link-local-ip", "only --ip gives a container an address");
      rows.put(verb + " --kernel-memory", "the kernel bounds it no more; -m counts its memory too");
      rows.put(verb + " --use-api-socket", "mount the socket: -v /run/berth:/run/berth");
    }
    rows.put("images --tree", "`image inspect` shows what an image holds");
    rows.put("rm --link", "a link ends with its container; there is nothing to take away");
    rows.put("rm -l", rows.get("rm --link"));
    rows.put("rmi --platform", "an image is removed with all its platforms; leave it out");
    rows.put("image inspect --platform", "an image shows the platform that was pulled last");
    rows.put("history --platform", rows.get("image inspect --platform"));
    rows.put("start --checkpoint", CHECKPOINT);
    rows.put("start --checkpoint-dir", CHECKPOINT);
    rows.put("network create --config-from", SWARM);
    rows.put("network create --config-only", SWARM);
    rows.put("network create --ingress", SWARM);
    rows.put("network create --ipv6", IPV6);
    rows.put(
        "network create --ip-range",
        "containers get addresses of the whole subnet: choose a --subnet of that size");
    rows.put(
        "network create --aux-address",
        "addresses cannot be kept back: choose a --subnet without them, or `run --ip` for all");
    rows.put("network create --ipam-opt", "addresses are given out by berth-network alone");
    for (String option :
        List.of(
            "--availability",
            "--group",
            "--limit-bytes",
            "--required-bytes",
            "--scope",
            "--secret",
            "--sharing",
            "--topology-preferred",
            "--topology-required",
            "--type")) {
      rows.put("volume create " + option, CLUSTER);
    }
    rows.put("volume ls --cluster", CLUSTER);
    return Map.copyOf(rows);
  }
}
