package io.berth.containerd.spec;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.berth.base.error.BerthException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The environment of a process: defaults, and over them the configuration's entries. Nothing of the
 * host's or of any client's environment is in it. For one thread.
 */
final class Environment {
  static final String PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  /** The most bytes of one string that the kernel takes (execve(2), MAX_ARG_STRLEN). */
  private static final int LONGEST = 128 << 10;

  private final Map<String, String> entries = new LinkedHashMap<>();

  /** The name of an entry: what stands before the first {@code =}, or the whole entry. */
  static String key(String entry) {
    int equals = entry.indexOf('=');
    return equals < 0 ? entry : entry.substring(0, equals);
  }

  /** Puts the entry in the place of one with the same name; without {@code =} removes that one. */
  Environment set(String entry) {
    String key = key(entry);
    if (key.isEmpty()) {
      throw new BerthException.InvalidArgument(
          "environment `" + entry + "`: the variable has no name; write NAME=VALUE");
    }
    Texts.withoutNul("environment", entry);
    if (entry.getBytes(UTF_8).length >= LONGEST) {
      throw new BerthException.InvalidArgument(
          "environment `" + key + "`: longer than " + (LONGEST - 1) + " bytes");
    }
    if (entry.length() == key.length()) {
      entries.remove(key);
    } else {
      entries.put(key, entry);
    }
    return this;
  }

  Environment setAll(List<String> all) {
    all.forEach(this::set);
    return this;
  }

  List<String> list() {
    return List.copyOf(entries.values());
  }
}
