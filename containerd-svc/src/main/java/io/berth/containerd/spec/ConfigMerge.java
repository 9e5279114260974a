package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.containerd.settings.Command;
import io.berth.containerd.settings.ContainerConfig;
import io.berth.containerd.settings.HealthSettings;
import io.berth.containerd.settings.ImageSettings;
import io.berth.containerd.settings.StopSettings;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Lays the image's configuration under the person's: gaps are filled, nothing is overwritten.
 *
 * <p>The result says that an entrypoint was given, because with the image merged in there is
 * nothing left to inherit: merging it again changes nothing.
 */
public final class ConfigMerge {
  private ConfigMerge() {}

  /**
   * Both configurations as one. Host name, streams and stop timeout are the person's alone.
   *
   * @param reservedLabel labels of an image that only this engine's services may set; they are left
   *     out
   */
  public static ContainerConfig merge(
      ContainerConfig user, ImageSettings image, Predicate<String> reservedLabel) {
    Map<String, String> labels = new LinkedHashMap<>(user.labels());
    image
        .labels()
        .forEach((name, value) -> {
          if (!reservedLabel.test(name)) {
            labels.putIfAbsent(name, value);
          }
        });
    Set<String> ports = new LinkedHashSet<>();
    user.exposedPorts().forEach(port -> ports.addAll(ExposedPorts.each(port)));
    image.exposedPorts().forEach(port -> ports.addAll(ofImage(port)));
    return new ContainerConfig(
        user.hostname(),
        user.domainname(),
        or(user.user(), image.user()),
        user.streams(),
        environment(user.environment(), image.environment()),
        command(user.command(), image.command()),
        or(user.workingDirectory(), image.workingDirectory()),
        labels,
        new StopSettings(
            or(user.stop().signal(), image.stopSignal()), user.stop().timeoutSeconds()),
        List.copyOf(ports),
        user.image(),
        user.health() == null && image.health() == null
            ? null
            : or(user.health()).over(or(image.health())));
  }

  private static String or(String user, String image) {
    return user.isEmpty() ? image : user;
  }

  private static HealthSettings or(@Nullable HealthSettings given) {
    return given == null ? HealthSettings.NONE : given;
  }

  // A port that cannot be read is left out, because the person at hand cannot mend what the image's
  // author wrote.
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

  private static Command command(Command user, Command image) {
    boolean given = user.entrypointGiven() || !user.entrypoint().isEmpty();
    List<String> entrypoint = given ? user.entrypoint() : image.entrypoint();
    List<String> arguments =
        !given && user.arguments().isEmpty() ? image.arguments() : user.arguments();
    // Docker's clients write an entrypoint of one empty word for none.
    boolean none = entrypoint.equals(List.of(""));
    return new Command(none ? List.of() : entrypoint, true, arguments);
  }

  /**
   * What is run, program first. INVALID_ARGUMENT when a merged configuration names no program, or
   * names what execve(2) cannot take.
   */
  public static List<String> commandLine(ContainerConfig merged) {
    List<String> line = new ArrayList<>(merged.command().entrypoint());
    line.addAll(merged.command().arguments());
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
