package io.berth.containerd.spec;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.ImageConfig;
import io.berth.base.error.BerthException;
import io.berth.containerd.health.HealthCheck;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The image's configuration laid under the person's: gaps are filled, nothing is overwritten.
 *
 * <p>The result is a message of its own. It says {@code entrypoint_set}, for with the image merged
 * in there is nothing left to inherit: merging it again changes nothing.
 */
public final class ConfigMerge {
  private ConfigMerge() {}

  /**
   * Both as one. Host name, terminal, open input and stop timeout are the person's alone.
   *
   * @param reservedLabel labels of an image that only services of ours may set; left out
   */
  public static Config merge(Config user, ImageConfig image, Predicate<String> reservedLabel) {
    Config.Builder merged = user.toBuilder();
    merged.clearEnv().addAllEnv(environment(user.getEnvList(), image.getEnvList()));
    command(merged, user, image);
    Map<String, String> labels = new HashMap<>(image.getLabelsMap());
    labels.keySet().removeIf(reservedLabel);
    labels.putAll(user.getLabelsMap());
    merged.putAllLabels(labels);
    Set<String> ports = new LinkedHashSet<>();
    user.getExposedPortsList().forEach(port -> ports.addAll(ExposedPorts.each(port)));
    image.getExposedPortsList().forEach(port -> ports.addAll(ofImage(port)));
    merged.clearExposedPorts().addAllExposedPorts(ports);
    if (user.getUser().isEmpty()) {
      merged.setUser(image.getUser());
    }
    if (user.getWorkingDir().isEmpty()) {
      merged.setWorkingDir(image.getWorkingDir());
    }
    if (user.getStopSignal().isEmpty()) {
      merged.setStopSignal(image.getStopSignal());
    }
    if (user.hasHealth() || image.hasHealth()) {
      merged.setHealth(HealthCheck.merge(user.getHealth(), image.getHealth()));
    }
    return merged.build();
  }

  // The person at hand cannot mend what an image's author wrote.
  private static List<String> ofImage(String port) {
    try {
      return ExposedPorts.each(port);
    } catch (BerthException.InvalidArgument e) {
      return List.of();
    }
  }

  /** The person's entries, then those of the image whose key the person did not name. */
  private static List<String> environment(List<String> user, List<String> image) {
    List<String> result = new ArrayList<>(user);
    Set<String> named = new HashSet<>();
    user.forEach(entry -> named.add(Environment.key(entry)));
    for (String entry : image) {
      if (!named.contains(Environment.key(entry))) {
        result.add(entry);
      }
    }
    return result;
  }

  private static void command(Config.Builder merged, Config user, ImageConfig image) {
    boolean entrypointGiven = user.getEntrypointSet() || user.getEntrypointCount() > 0;
    if (!entrypointGiven) {
      merged.clearEntrypoint().addAllEntrypoint(image.getEntrypointList());
      if (user.getCmdCount() == 0) {
        merged.addAllCmd(image.getCmdList());
      }
    }
    if (merged.getEntrypointCount() == 1 && merged.getEntrypoint(0).isEmpty()) {
      // How docker's clients write "none".
      merged.clearEntrypoint();
    }
    merged.setEntrypointSet(true);
  }

  /**
   * What is run, program first. INVALID_ARGUMENT when a merged configuration names none, or names
   * what execve cannot take.
   */
  public static List<String> commandLine(Config merged) {
    List<String> line = new ArrayList<>(merged.getEntrypointList());
    line.addAll(merged.getCmdList());
    if (line.isEmpty()) {
      throw new BerthException.InvalidArgument(
          "no command specified: neither the request nor the image has one; give a command");
    }
    if (line.getFirst().isEmpty()) {
      throw new BerthException.InvalidArgument(
          "no command specified: the program's name is empty; give a command");
    }
    line.forEach(word -> Texts.withoutNul("command", word));
    return List.copyOf(line);
  }
}
