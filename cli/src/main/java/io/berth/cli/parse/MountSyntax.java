package io.berth.cli.parse;

import io.berth.api.berth.container.v1.Mount;
import io.berth.base.error.BerthException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Reads the values of {@code -v}, {@code --mount} and {@code --tmpfs}. What cannot be read is
 * refused with INVALID_ARGUMENT and never skipped.
 */
public final class MountSyntax {
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]+");
  private static final Set<String> PROPAGATIONS =
      Set.of("private", "rprivate", "shared", "rshared", "slave", "rslave");

  private MountSyntax() {}

  /**
   * Reads {@code SOURCE:TARGET[:OPTIONS]}, or {@code TARGET} for an anonymous volume. A source that
   * begins with a dot is a path from the working folder, which is absolute.
   */
  public static Mount volume(String text, Path workingFolder) {
    String[] parts = text.split(":", -1);
    if (parts.length > 3) {
      throw refused("-v", text, "write SOURCE:TARGET or SOURCE:TARGET:ro");
    }
    String target = parts.length == 1 ? parts[0] : parts[1];
    Mount.Builder mount = Mount.newBuilder().setTarget(target(text, "-v", target));
    if (parts.length == 1) {
      mount.setType("volume");
    } else if (parts[0].startsWith("/")) {
      mount.setType("bind").setSource(parts[0]);
    } else if (parts[0].startsWith("./") || parts[0].startsWith("../") || parts[0].equals(".")) {
      mount.setType("bind").setSource(workingFolder.resolve(parts[0]).normalize().toString());
    } else if (NAME.matcher(parts[0]).matches()) {
      mount.setType("volume").setSource(parts[0]);
    } else {
      throw refused("-v", text, "the source is neither an absolute path nor a volume's name");
    }
    if (parts.length == 3) {
      for (String option : parts[2].split(",", -1)) {
        switch (option) {
          case "ro" -> mount.setReadOnly(true);
          case "rw", "z", "Z", "cached", "delegated", "consistent" -> mount.setReadOnly(false);
          case "nocopy" -> mount.addOptions(option);
          default -> mount.addOptions(propagation("-v", text, option));
        }
      }
    }
    return mount.build();
  }

  /** Reads {@code type=bind,src=/from,dst=/to,readonly,...}. */
  public static Mount mount(String text) {
    Mount.Builder mount = Mount.newBuilder().setType("volume");
    for (String part : text.split(",", -1)) {
      int equals = part.indexOf('=');
      String key = equals < 0 ? part : part.substring(0, equals);
      String value = equals < 0 ? "" : part.substring(equals + 1);
      switch (key) {
        case "type" -> mount.setType(value);
        case "source", "src" -> mount.setSource(value);
        case "target", "dst", "destination" -> mount.setTarget(value);
        case "readonly", "ro" -> mount.setReadOnly(!value.equals("false") && !value.equals("0"));
        case "bind-propagation" -> mount.addOptions(propagation("--mount", text, value));
        case "tmpfs-size" -> mount.addOptions("size=" + Sizes.bytes("--mount tmpfs-size", value));
        case "tmpfs-mode" -> mount.addOptions("mode=" + value);
        case "volume-nocopy" -> mount.addOptions("nocopy");
        default -> throw refused("--mount", text, "unknown key `" + key + "`");
      }
    }
    switch (mount.getType()) {
      case "bind" -> {
        if (!mount.getSource().startsWith("/")) {
          throw refused("--mount", text, "the source of a bind must be an absolute path");
        }
        // Unlike -v, it makes no folder where the source is missing.
        mount.addOptions("nocreate");
      }
      case "volume" -> {
        if (!mount.getSource().isEmpty() && !NAME.matcher(mount.getSource()).matches()) {
          throw refused("--mount", text, "`" + mount.getSource() + "` is no volume's name");
        }
      }
      case "tmpfs" -> {
        if (!mount.getSource().isEmpty()) {
          throw refused("--mount", text, "a tmpfs has no source");
        }
      }
      default -> throw refused("--mount", text, "type is bind, volume or tmpfs");
    }
    return mount.setTarget(target(text, "--mount", mount.getTarget())).build();
  }

  /** Reads {@code TARGET[:OPTIONS]} of a file system in memory. */
  public static Mount tmpfs(String text) {
    int colon = text.indexOf(':');
    Mount.Builder mount =
        Mount.newBuilder()
            .setType("tmpfs")
            .setTarget(target(text, "--tmpfs", colon < 0 ? text : text.substring(0, colon)));
    if (colon >= 0) {
      for (String option : text.substring(colon + 1).split(",", -1)) {
        switch (option) {
          case "ro" -> mount.setReadOnly(true);
          case "rw", "" -> mount.setReadOnly(false);
          default -> mount.addOptions(option);
        }
      }
    }
    return mount.build();
  }

  private static String target(String text, String option, String target) {
    if (!target.startsWith("/") || Path.of(target).normalize().getNameCount() == 0) {
      throw refused(option, text, "the target must be an absolute path below /");
    }
    return target;
  }

  private static String propagation(String option, String text, String value) {
    if (!PROPAGATIONS.contains(value)) {
      throw refused(
          option, text, "`" + value + "` is none of " + String.join(", ", sorted(PROPAGATIONS)));
    }
    return value;
  }

  private static List<String> sorted(Set<String> names) {
    return names.stream().sorted().toList();
  }

  private static BerthException refused(String option, String text, String why) {
    return new BerthException.InvalidArgument(option + " `" + text + "`: " + why);
  }
}
