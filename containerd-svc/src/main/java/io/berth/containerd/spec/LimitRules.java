package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.containerd.settings.Ulimit;
import io.berth.oci.runtime.ProcessSpec;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Limits of setrlimit(2) as a person gives them. */
final class LimitRules {
  private static final String PREFIX = "RLIMIT_";
  private static final Set<String> NAMES =
      Set.of(
          "RLIMIT_AS",
          "RLIMIT_CORE",
          "RLIMIT_CPU",
          "RLIMIT_DATA",
          "RLIMIT_FSIZE",
          "RLIMIT_LOCKS",
          "RLIMIT_MEMLOCK",
          "RLIMIT_MSGQUEUE",
          "RLIMIT_NICE",
          "RLIMIT_NOFILE",
          "RLIMIT_NPROC",
          "RLIMIT_RSS",
          "RLIMIT_RTPRIO",
          "RLIMIT_RTTIME",
          "RLIMIT_SIGPENDING",
          "RLIMIT_STACK");

  private LimitRules() {}

  /**
   * The limits in the order of their names. Where a name is given twice the last one counts.
   *
   * @param most the highest hard limit that the host gives, unsigned, by name
   */
  static List<ProcessSpec.Rlimit> of(List<Ulimit> given, Map<String, Long> most) {
    Map<String, ProcessSpec.Rlimit> byName = new TreeMap<>();
    for (Ulimit limit : given) {
      String upper = limit.name().toUpperCase(Locale.ROOT);
      String name = upper.startsWith(PREFIX) ? upper : PREFIX + upper;
      if (!NAMES.contains(name)) {
        throw new BerthException.InvalidArgument(
            "ulimit `" + limit.name() + "`: there is none of that name; write nofile=1024:2048");
      }
      if (Long.compareUnsigned(limit.soft(), limit.hard()) > 0) {
        throw new BerthException.InvalidArgument(
            "ulimit `" + limit.name() + "`: the soft limit is above the hard one");
      }
      Long bound = most.get(name);
      if (bound != null && Long.compareUnsigned(limit.hard(), bound) > 0) {
        throw new BerthException.InvalidArgument(
            "ulimit `"
                + limit.name()
                + "`: the host gives at most "
                + Long.toUnsignedString(bound));
      }
      byName.put(name, new ProcessSpec.Rlimit(name, limit.hard(), limit.soft()));
    }
    return List.copyOf(byName.values());
  }
}
