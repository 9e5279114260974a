package io.berth.containerd.spec;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.berth.oci.runtime.Linux.Seccomp;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * System calls that are treated alike, and when.
 *
 * @param errno for the action ERRNO; null is the runtime's, EPERM
 * @param with capabilities that the container must all have
 * @param without capabilities of which it may have none
 * @param on machines, of which it must run on one, unless empty
 * @param notOn machines on which this does not count
 */
record SeccompGroup(
    List<String> names,
    String action,
    @Nullable Integer errno,
    List<Seccomp.Argument> arguments,
    List<String> with,
    List<String> without,
    List<String> on,
    List<String> notOn) {
  private static final String FILE = "seccomp.txt";

  SeccompGroup {
    names = List.copyOf(names);
    arguments = List.copyOf(arguments);
    with = List.copyOf(with);
    without = List.copyOf(without);
    on = List.copyOf(on);
    notOn = List.copyOf(notOn);
  }

  boolean applies(Set<String> capabilities, String machine) {
    return capabilities.containsAll(with)
        && Collections.disjoint(capabilities, without)
        && (on.isEmpty() || on.contains(machine))
        && !notOn.contains(machine);
  }

  Seccomp.Rule rule() {
    return new Seccomp.Rule(names, action, errno, arguments);
  }

  /** Our own profile, from the data file beside this class; its form is told there. */
  static List<SeccompGroup> standard() {
    try (InputStream in = SeccompGroup.class.getResourceAsStream(FILE)) {
      if (in == null) {
        throw new IllegalStateException("resource " + FILE + " is missing from this build");
      }
      return parse(new String(in.readAllBytes(), UTF_8));
    } catch (IOException e) {
      throw new IllegalStateException("resource " + FILE + " cannot be read", e);
    }
  }

  static List<SeccompGroup> parse(String text) {
    List<SeccompGroup> groups = new ArrayList<>();
    @Nullable Header header = null;
    List<String> names = new ArrayList<>();
    for (String raw : text.lines().toList()) {
      String line = raw.strip();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      if (line.endsWith(":")) {
        if (header != null) {
          groups.add(header.group(names));
        }
        header = Header.read(line.substring(0, line.length() - 1));
        names = new ArrayList<>();
      } else {
        names.addAll(List.of(line.split("\\s+")));
      }
    }
    if (header != null) {
      groups.add(header.group(names));
    }
    return List.copyOf(groups);
  }

  /** The line above the names. */
  private static final class Header {
    private String action = "";
    private @Nullable Integer errno;
    private final List<Seccomp.Argument> arguments = new ArrayList<>();
    private final List<String> with = new ArrayList<>();
    private final List<String> without = new ArrayList<>();
    private final List<String> on = new ArrayList<>();

    static Header read(String line) {
      Header header = new Header();
      String[] words = line.split("\\s+");
      for (int i = 0; i < words.length; i++) {
        switch (words[i]) {
          case "allow" -> header.action = "SCMP_ACT_ALLOW";
          case "fail" -> {
            header.action = "SCMP_ACT_ERRNO";
            header.errno = Integer.valueOf(words[++i]);
          }
          case "with" -> header.with.add(words[++i]);
          case "without" -> header.without.add(words[++i]);
          case "on" -> header.on.add(words[++i]);
          case "when" -> header.arguments.add(condition(words[++i]));
          default -> throw new IllegalStateException("no word of " + FILE + ": " + words[i]);
        }
      }
      return header;
    }

    /** {@code INDEX==VALUE}, {@code INDEX!=VALUE} or {@code INDEX&MASK==VALUE}. */
    private static Seccomp.Argument condition(String text) {
      boolean not = text.contains("!=");
      String[] sides = text.split(not ? "!=" : "==", 2);
      long value = Long.decode(sides[1]);
      int mask = sides[0].indexOf('&');
      if (mask >= 0) {
        return new Seccomp.Argument(
            Integer.parseInt(sides[0].substring(0, mask)),
            Long.decode(sides[0].substring(mask + 1)),
            value,
            "SCMP_CMP_MASKED_EQ");
      }
      return new Seccomp.Argument(
          Integer.parseInt(sides[0]), value, 0, not ? "SCMP_CMP_NE" : "SCMP_CMP_EQ");
    }

    SeccompGroup group(List<String> names) {
      return new SeccompGroup(names, action, errno, arguments, with, without, on, List.of());
    }
  }
}
