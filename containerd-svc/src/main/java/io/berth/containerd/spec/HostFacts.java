package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What a specification must know of the host. A service looks once.
 *
 * @param architecture as uname(2) says it: {@code x86_64}, {@code aarch64}
 * @param processors what it computes with
 * @param hostname the host's own
 * @param cgroups what its control groups can bound
 * @param cgroupParent the instance's, relative to the root of each hierarchy
 * @param capabilities all that can be given to a container, names like {@code CAP_CHOWN}
 * @param hardLimits the most that a hard limit can be, by names like {@code RLIMIT_NOFILE};
 *     unsigned; a name that is absent has no such bound
 * @param devices its device nodes
 * @param present whether something is at a path of the host
 * @param appArmor what AppArmor does for containers
 * @param init the program that reaps inside where a container asks for one; null if there is none
 */
public record HostFacts(
    String architecture,
    Processors processors,
    String hostname,
    ControlGroups cgroups,
    String cgroupParent,
    Set<String> capabilities,
    Map<String, Long> hardLimits,
    DeviceSource devices,
    Predicate<Path> present,
    AppArmorFacts appArmor,
    @Nullable Path init) {
  public HostFacts {
    capabilities = Set.copyOf(capabilities);
    hardLimits = Map.copyOf(hardLimits);
    if (cgroupParent.isEmpty() || cgroupParent.startsWith("/")) {
      throw new BerthException.Internal(
          "cgroup parent `" + cgroupParent + "`: must be relative to the hierarchies' roots");
    }
  }
}
