package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.text.ListFilters;
import io.berth.base.text.PortRange;
import io.berth.containerd.health.HealthState;
import io.berth.containerd.settings.ContainerConfig;
import io.berth.containerd.settings.ContainerDescription;
import io.berth.containerd.settings.Mount;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Which containers a list shows, or pruning removes, by the filters that docker has. Immutable. */
final class ContainerFilter {
  private static final List<String> LISTED =
      List.of(
          "id",
          "name",
          ListFilters.LABEL,
          ListFilters.NO_LABEL,
          "status",
          "health",
          "exited",
          "ancestor",
          "volume",
          "network",
          "publish",
          "expose",
          "before",
          "since",
          ListFilters.UNTIL);
  private static final List<String> PRUNED =
      List.of(ListFilters.LABEL, ListFilters.NO_LABEL, ListFilters.UNTIL);

  /** The states that containers have here, and one that docker's have and that none is in. */
  private static final List<String> STATES =
      Stream.concat(Arrays.stream(RunState.values()).map(RunState::word), Stream.of("dead"))
          .toList();

  private static final List<String> HEALTH = List.of("starting", "healthy", "unhealthy", "none");
  private static final Pattern CODE = Pattern.compile("-?\\d{1,10}");

  private final ListFilters wanted;
  private final Map<String, Instant> made;
  private final @Nullable Instant until;

  private ContainerFilter(ListFilters wanted, Map<String, Instant> made, @Nullable Instant until) {
    this.wanted = wanted;
    this.made = made;
    this.until = until;
  }

  /**
   * Reads the filters of a list. INVALID_ARGUMENT for an unknown key, and for a value that none of
   * that key can have.
   *
   * @param createdOf tells when the container was made that a word means
   * @param now from which ages are counted
   */
  static ContainerFilter listed(
      List<String> filters, Function<String, Instant> createdOf, Instant now) {
    ListFilters wanted =
        ListFilters.parse("containers", filters, LISTED)
            .known("status", STATES)
            .known("health", HEALTH);
    for (String code : wanted.values("exited")) {
      if (!CODE.matcher(code).matches()) {
        throw ListFilters.refused("exited", code, "write the number that a program ends with");
      }
    }
    for (String key : List.of("publish", "expose")) {
      wanted.values(key).forEach(value -> PortRange.WithProtocol.parse("filter " + key, value));
    }
    Map<String, Instant> made = new HashMap<>();
    for (String key : List.of("before", "since")) {
      wanted.values(key).forEach(ref -> made.computeIfAbsent(ref, createdOf));
    }
    return new ContainerFilter(wanted, made, wanted.until(now, ZoneOffset.UTC));
  }

  /** Reads the filters of pruning, in the same way. */
  static ContainerFilter pruned(List<String> filters, Instant now) {
    ListFilters wanted = ListFilters.parse("containers to prune", filters, PRUNED);
    return new ContainerFilter(wanted, Map.of(), wanted.until(now, ZoneOffset.UTC));
  }

  /** Whether states other than running are asked for. */
  boolean namesStates() {
    return wanted.has("status") || wanted.has("exited");
  }

  boolean matches(ContainerStatus container) {
    ContainerDescription described = container.described();
    ContainerConfig config = described.config();
    Instant created = described.createdAt();
    return wanted.fitsLabels(config.labels())
        && ListFilters.fits(until, created)
        && wanted.any("id", described.key().id()::startsWith)
        && wanted.anyPattern("name", described.name())
        && wanted.any("status", container.state().word()::equals)
        && wanted.any("health", health(container.run())::equals)
        && wanted.any("exited", code -> exited(container, code))
        && wanted.any("ancestor", image -> ancestor(described, image))
        && wanted.any("volume", volume -> mounts(described, volume))
        && wanted.any("network", network -> isOn(container, network))
        && wanted.any("publish", ports -> isAmong(published(container), ports))
        && wanted.any("expose", ports -> isAmong(config.exposedPorts(), ports))
        && wanted.any("before", ref -> created.isBefore(made(ref)))
        && wanted.any("since", ref -> created.isAfter(made(ref)));
  }

  private static String health(ContainerStatus.Run run) {
    HealthState health = run.health();
    return health == null ? "none" : health.status().word();
  }

  private static boolean exited(ContainerStatus container, String code) {
    return container.state() == RunState.EXITED
        && container.run().exitCode() == Long.parseLong(code);
  }

  private Instant made(String ref) {
    Instant moment = made.get(ref);
    if (moment == null) {
      throw new BerthException.Internal("filter by `" + ref + "`: was not looked up");
    }
    return moment;
  }

  private static boolean ancestor(ContainerDescription container, String value) {
    String image = container.image();
    return image.equals(value)
        || image.startsWith(value + ":")
        || image.endsWith("/" + value)
        || image.contains("/" + value + ":")
        || container.imageId().equals(value)
        || (value.length() >= 6 && container.imageId().startsWith("sha256:" + value));
  }

  private static boolean mounts(ContainerDescription container, String value) {
    for (Mount mount : container.host().storage().mounts()) {
      if (mount.source().equals(value) || mount.target().equals(value)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isOn(ContainerStatus container, String value) {
    String mode = container.described().network().mode();
    return mode.equals(value) || container.endpoint().network().equals(value);
  }

  /** The container's ports that are published, as {@code 80/tcp}. */
  private static List<String> published(ContainerStatus container) {
    List<String> ports = new ArrayList<>();
    Stream.concat(
            container.described().network().ports().stream(), container.endpoint().ports().stream())
        .forEach(port ->
            ports.add(
                port.containerPort()
                    + "/"
                    + (port.protocol().isEmpty() ? "tcp" : port.protocol())));
    return ports;
  }

  private static boolean isAmong(List<String> ports, String value) {
    PortRange.WithProtocol wanted = PortRange.WithProtocol.parse("filter", value);
    for (String port : ports) {
      PortRange.WithProtocol one = PortRange.WithProtocol.parse("port", port);
      if (one.protocol().equals(wanted.protocol())
          && wanted.ports().contains(one.ports().first())) {
        return true;
      }
    }
    return false;
  }
}
