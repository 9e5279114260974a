package io.berth.shim.plan;

import io.berth.base.error.BerthException;
import io.berth.linux.supervisor.Step;
import io.berth.oci.runtime.ProcessSpec;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Limits of setrlimit(2) by name; the numbers are those of most architectures. */
final class ResourceLimits {
  private static final List<String> NAMES =
      List.of(
          "RLIMIT_CPU",
          "RLIMIT_FSIZE",
          "RLIMIT_DATA",
          "RLIMIT_STACK",
          "RLIMIT_CORE",
          "RLIMIT_RSS",
          "RLIMIT_NPROC",
          "RLIMIT_NOFILE",
          "RLIMIT_MEMLOCK",
          "RLIMIT_AS",
          "RLIMIT_LOCKS",
          "RLIMIT_SIGPENDING",
          "RLIMIT_MSGQUEUE",
          "RLIMIT_NICE",
          "RLIMIT_RTPRIO",
          "RLIMIT_RTTIME");

  private ResourceLimits() {}

  static List<Step> steps(List<ProcessSpec.Rlimit> limits) {
    Set<String> seen = new HashSet<>();
    return limits.stream()
        .<Step>map(limit -> {
          int number = NAMES.indexOf(limit.type());
          if (number < 0) {
            throw new BerthException.InvalidArgument(
                "rlimit `" + limit.type() + "`: there is none of that name");
          }
          if (!seen.add(limit.type())) {
            throw new BerthException.InvalidArgument("rlimit `" + limit.type() + "`: given twice");
          }
          if (Long.compareUnsigned(limit.soft(), limit.hard()) > 0) {
            throw new BerthException.InvalidArgument(
                "rlimit `" + limit.type() + "`: the soft limit is above the hard one");
          }
          return new Step.ResourceLimit(limit.type(), number, limit.soft(), limit.hard());
        })
        .toList();
  }
}
