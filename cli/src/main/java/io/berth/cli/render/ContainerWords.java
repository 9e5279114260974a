package io.berth.cli.render;

import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.PortBinding;
import io.berth.api.berth.container.v1.StateInfo;
import io.berth.base.rpc.Timestamps;
import io.berth.base.text.PortRange;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** Shows parts of a container in the words of {@code ps}. */
public final class ContainerWords {
  private ContainerWords() {}

  /** The state in docker's words: {@code Up 5 minutes}, {@code Exited (0) 2 hours ago}. */
  public static String status(StateInfo state, Instant now) {
    return switch (state.getState()) {
      case STATE_RUNNING -> up(state, now) + health(state);
      case STATE_PAUSED -> up(state, now) + " (Paused)";
      case STATE_RESTARTING ->
          "Restarting (" + state.getExitCode() + ") " + Words.ago(state.getFinishedAt(), now);
      case STATE_REMOVING -> "Removal In Progress";
      case STATE_EXITED ->
          "Exited (" + state.getExitCode() + ") " + Words.ago(state.getFinishedAt(), now);
      case STATE_DEAD -> "Dead";
      case STATE_CREATED, STATE_UNSPECIFIED, UNRECOGNIZED -> "Created";
    };
  }

  /** What is added to the state of a container whose health is checked. */
  private static String health(StateInfo state) {
    return switch (state.getHealth().getStatus()) {
      case "" -> "";
      case "starting" -> " (health: starting)";
      case String known -> " (" + known + ")";
    };
  }

  private static String up(StateInfo state, Instant now) {
    return "Up " + Words.duration(Duration.between(Timestamps.instant(state.getStartedAt()), now));
  }

  /**
   * Ports as {@code 0.0.0.0:8080->80/tcp, 53/udp}; the second one is not published. Neighbours on
   * both sides are one range: {@code 0.0.0.0:8000-8002->80-82/tcp}.
   */
  public static String ports(List<PortBinding> ports) {
    List<PortBinding> sorted =
        ports.stream()
            .sorted(
                Comparator.comparing(PortBinding::getProtocol)
                    .thenComparing(PortBinding::getHostIp)
                    .thenComparing(port -> port.getHostPort() == 0)
                    .thenComparingInt(PortBinding::getContainerPort)
                    .thenComparingInt(PortBinding::getHostPort))
            .toList();
    List<String> words = new ArrayList<>();
    for (int first = 0, next; first < sorted.size(); first = next) {
      next = first + 1;
      while (next < sorted.size() && follows(sorted.get(next - 1), sorted.get(next))) {
        next++;
      }
      words.add(range(sorted.get(first), next - first - 1));
    }
    return String.join(", ", words);
  }

  private static boolean follows(PortBinding one, PortBinding next) {
    int step = one.getHostPort() == 0 ? 0 : 1;
    return next.getProtocol().equals(one.getProtocol())
        && next.getHostIp().equals(one.getHostIp())
        && next.getHostPort() == one.getHostPort() + step
        && next.getContainerPort() == one.getContainerPort() + 1;
  }

  /** A port and so many behind it. */
  private static String range(PortBinding first, int more) {
    int inside = first.getContainerPort();
    int outside = first.getHostPort();
    String end = more == 0 ? "" : "-" + (outside + more);
    return (outside == 0 ? "" : hostSide(first) + end + "->")
        + new PortRange(inside, inside + more)
        + "/"
        + first.getProtocol();
  }

  /** A port's side on this machine: {@code 0.0.0.0:8080}. */
  public static String hostSide(PortBinding port) {
    String ip = port.getHostIp().isEmpty() ? "0.0.0.0" : port.getHostIp();
    return (ip.contains(":") ? "[" + ip + "]" : ip)
        + ":"
        + Integer.toUnsignedString(port.getHostPort());
  }

  /** The state in one word: {@code running}, {@code exited} and others. */
  public static String state(StateInfo state) {
    return state.getState().name().substring("STATE_".length()).toLowerCase(Locale.ROOT);
  }

  /** What it has written, and that with its image: {@code 2B (virtual 21.5MB)}. */
  public static String size(Container container) {
    String own = Words.size(container.getSizeRw());
    return container.getSizeRoot() > 0
        ? own + " (virtual " + Words.size(container.getSizeRoot()) + ")"
        : own;
  }

  /** How many volumes it has. */
  public static long volumes(Container container) {
    return container.getHost().getMountsList().stream()
        .filter(mount -> mount.getType().equals("volume"))
        .count();
  }

  /** The network that it is on, or is to be on. */
  public static String network(Container container) {
    String mode = container.getNetwork().getMode();
    return mode.isEmpty() ? "bridge" : mode.startsWith("container:") ? "" : mode;
  }

  /** The command as one would type it, with quotes around arguments that have blanks. */
  public static String command(Container container) {
    StringBuilder line = new StringBuilder(container.getPath());
    for (String argument : container.getArgsList()) {
      line.append(' ')
          .append(argument.isEmpty() || argument.contains(" ") ? "'" + argument + "'" : argument);
    }
    return line.toString();
  }

  /** The image: the reference that was typed, or else the image's name, or else its short id. */
  public static String image(Container container) {
    String typed = container.getConfig().getImage();
    if (!typed.isEmpty()) {
      return typed;
    }
    return container.getImage().isEmpty()
        ? Words.shortId(container.getImageId())
        : container.getImage();
  }
}
