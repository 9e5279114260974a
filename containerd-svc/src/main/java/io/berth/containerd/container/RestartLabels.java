package io.berth.containerd.container;

import io.berth.containerd.task.Exit;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the labels {@code containerd.io/restart.*} of a container's record want, by the names and
 * rules of containerd's restart monitor. An image may bring such labels, for clients copy an
 * image's labels to the container: see {@link RestartLogs} for what they cannot do.
 *
 * @param running whether the container is to run; else it is to be stopped
 * @param policy {@code always}, {@code on-failure}, {@code unless-stopped}, {@code no}, or another
 *     word, which starts nothing
 * @param most starts by {@code on-failure:N}; 0 without a bound
 * @param count starts so far
 * @param explicitlyStopped whether a person has stopped it
 * @param log where its output goes, a URI; empty for nowhere
 */
record RestartLabels(
    boolean running, String policy, int most, int count, boolean explicitlyStopped, String log) {
  static final String PREFIX = "containerd.io/restart.";
  static final String STATUS = PREFIX + "status";
  static final String COUNT = PREFIX + "count";
  private static final String POLICY = PREFIX + "policy";
  private static final String EXPLICITLY_STOPPED = PREFIX + "explicitly-stopped";
  private static final String LOG_URI = PREFIX + "loguri";
  private static final String LOG_PATH = PREFIX + "logpath";

  /** Null if they want nothing. */
  static @Nullable RestartLabels of(Map<String, String> labels) {
    String status = labels.getOrDefault(STATUS, "");
    if (!status.equals("running") && !status.equals("stopped")) {
      return null;
    }
    String[] policy = labels.getOrDefault(POLICY, "").split(":", 2);
    String uri = labels.getOrDefault(LOG_URI, "");
    String path = labels.getOrDefault(LOG_PATH, "");
    return new RestartLabels(
        status.equals("running"),
        policy[0].isEmpty() ? "always" : policy[0],
        policy.length == 2 ? number(policy[1]) : 0,
        number(labels.getOrDefault(COUNT, "")),
        Boolean.parseBoolean(labels.getOrDefault(EXPLICITLY_STOPPED, "")),
        uri.isEmpty() && !path.isEmpty() ? "file://" + path : uri);
  }

  private static int number(String text) {
    return text.matches("[0-9]{1,9}") ? Integer.parseInt(text) : 0;
  }

  /**
   * Whether a container that does not run is to be started.
   *
   * @param end how its task ended; null without a task
   */
  boolean wantsStart(@Nullable Exit end) {
    return running
        && switch (policy) {
          case "always" -> true;
          case "unless-stopped" -> !explicitlyStopped;
          case "on-failure" -> end != null && end.status() != 0 && (most == 0 || count < most);
          default -> false;
        };
  }
}
