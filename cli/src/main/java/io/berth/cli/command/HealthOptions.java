package io.berth.cli.command;

import io.berth.api.berth.container.v1.Healthcheck;
import io.berth.base.error.BerthException;
import io.berth.base.text.GoDuration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say how a container is checked for doing its work. */
final class HealthOptions {
  @Option(
      names = "--health-cmd",
      paramLabel = "COMMAND",
      description = "Shell command run inside: 0 means healthy")
  String command = "";

  @Option(
      names = "--health-interval",
      paramLabel = "TIME",
      description = "Between two of them (default: 30s)")
  String interval = "";

  @Option(
      names = "--health-timeout",
      paramLabel = "TIME",
      description = "After which it has failed (default: 30s)")
  String timeout = "";

  @Option(
      names = "--health-retries",
      paramLabel = "N",
      description = "Failures in a row for unhealthy (default: 3)")
  int retries;

  @Option(
      names = "--health-start-period",
      paramLabel = "TIME",
      description = "In which failures do not count (default: 0s)")
  String startPeriod = "";

  @Option(names = "--no-healthcheck", description = "Not even the image's")
  boolean none;

  /** The check; null when no option was given. INVALID_ARGUMENT when they contradict each other. */
  @Nullable Healthcheck build() {
    boolean given = !(command + interval + timeout + startPeriod).isEmpty() || retries != 0;
    if (none) {
      if (given) {
        throw new BerthException.InvalidArgument(
            "--no-healthcheck: conflicts with --health-* options; leave one of the two out");
      }
      return Healthcheck.newBuilder().addTest("NONE").build();
    }
    if (!given) {
      return null;
    }
    Healthcheck.Builder check =
        Healthcheck.newBuilder()
            .setInterval(nanos("--health-interval", interval))
            .setTimeout(nanos("--health-timeout", timeout))
            .setStartPeriod(nanos("--health-start-period", startPeriod))
            .setRetries(retries);
    if (!command.isEmpty()) {
      check.addTest("CMD-SHELL").addTest(command);
    }
    return check.build();
  }

  private static long nanos(String option, String text) {
    return text.isEmpty() ? 0 : GoDuration.parsePositive(option, text).toNanos();
  }
}
