package io.berth.containerd.container;

import io.berth.containerd.spec.AppArmorFacts;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeoutException;

/**
 * The profile of AppArmor that bounds containers by default, {@code apparmor.txt}. It is loaded at
 * the start of this service, in place of the one that an older build has left there.
 */
final class AppArmorProfile {
  private static final Logger LOG = System.getLogger(AppArmorProfile.class.getName());

  /** As the text names it. */
  static final String NAME = "berth-default";

  private static final int SECONDS = 60;

  /** Bytes. */
  private static final int LONGEST_ERROR = 1000;

  private AppArmorProfile() {}

  /** Loads it where that can be. */
  static AppArmorFacts load() {
    return load(
        Path.of("/sys/module/apparmor/parameters/enabled"),
        List.of(Path.of("/usr/sbin/apparmor_parser"), Path.of("/sbin/apparmor_parser")));
  }

  /**
   * The same.
   *
   * @param switched the file in which the kernel says whether it is enabled
   * @param parsers where the program may be that loads profiles
   */
  static AppArmorFacts load(Path switched, List<Path> parsers) {
    try {
      if (!Files.exists(switched) || !Files.readString(switched).startsWith("Y")) {
        return AppArmorFacts.OFF;
      }
      for (Path parser : parsers) {
        if (Files.isExecutable(parser)) {
          return load(parser);
        }
      }
      return without("apparmor_parser is not installed");
    } catch (IOException e) {
      return without(String.valueOf(e.getMessage()));
    }
  }

  private static AppArmorFacts without(String why) {
    LOG.log(Level.WARNING, "containers have no AppArmor profile by default: {0}", why);
    return new AppArmorFacts(true, "", "no default profile: " + why);
  }

  private static AppArmorFacts load(Path parser) throws IOException {
    // Neither from a cache nor into one: what counts is the text of this build.
    ProcessBuilder program = new ProcessBuilder(parser.toString(), "--replace", "--skip-cache");
    try {
      HostProgram ended =
          HostProgram.run(program, text(), LONGEST_ERROR, Duration.ofSeconds(SECONDS));
      return ended.code() == 0
          ? new AppArmorFacts(true, NAME, NAME)
          : without(parser + ": " + String.join(" ", ended.output().strip().lines().toList()));
    } catch (TimeoutException e) {
      return without(parser + " takes longer than " + SECONDS + " s");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return without("interrupted");
    }
  }

  private static byte[] text() throws IOException {
    try (InputStream in = AppArmorProfile.class.getResourceAsStream("apparmor.txt")) {
      return Objects.requireNonNull(in, "apparmor.txt").readAllBytes();
    }
  }
}
