package io.berth.containerd.spec;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.berth.oci.runtime.Linux.Seccomp;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * System calls that are treated alike, and the conditions under which they are.
 *
 * @param errno the error that the action ERRNO answers; null for the runtime's own, EPERM
 * @param with capabilities that the container must all have
 * @param without capabilities of which the container may have none
 * @param on machines of which the host must be one, unless empty
 * @param notOn machines on which the group does not count
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

  /** The bits that the kernel reads of an argument of type int. */
  private static final long INT = 0xffffffffL;

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

  /** The default profile, from the data file beside this class, which explains its form. */
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
          groups.addAll(header.groups(names));
        }
        header = Header.read(line.substring(0, line.length() - 1));
        names = new ArrayList<>();
      } else {
        names.addAll(List.of(line.split("\\s+")));
      }
    }
    if (header != null) {
      groups.addAll(header.groups(names));
    }
    return List.copyOf(groups);
  }

  /** The line above the names of a group. */
  private static final class Header {
    private String action = "";
    private @Nullable Integer errno;

    /** The ways to fulfil the conditions, of which one rule can hold one only. */
    private List<List<Seccomp.Argument>> ways = List.of(List.of());

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
          case "when" -> header.when(words[++i]);
          default -> throw new IllegalStateException("no word of " + FILE + ": " + words[i]);
        }
      }
      return header;
    }

    /** Reads {@code INDEX==VALUE,VALUE} or {@code INDEX&MASK==VALUE,VALUE}. */
    private void when(String text) {
      String[] sides = text.split("==", 2);
      String[] left = sides[0].split("&", 2);
      int index = Integer.parseInt(left[0]);
      long mask = left.length > 1 ? Long.decode(left[1]) : INT;
      List<List<Seccomp.Argument>> longer = new ArrayList<>();
      for (String word : sides[1].split(",", -1)) {
        long value = Long.decode(word);
        if ((mask & ~INT) != 0 || (value & ~mask) != 0) {
          throw new IllegalStateException("no condition of " + FILE + " on 32 bits: " + text);
        }
        Seccomp.Argument argument = new Seccomp.Argument(index, mask, value, "SCMP_CMP_MASKED_EQ");
        for (List<Seccomp.Argument> way : ways) {
          longer.add(Stream.concat(way.stream(), Stream.of(argument)).toList());
        }
      }
      ways = longer;
    }

    List<SeccompGroup> groups(List<String> names) {
      return ways.stream()
          .map(way -> new SeccompGroup(names, action, errno, way, with, without, on, List.of()))
          .toList();
    }
  }
}
