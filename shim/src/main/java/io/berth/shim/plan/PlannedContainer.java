package io.berth.shim.plan;

import io.berth.base.layout.Stdio;
import io.berth.linux.supervisor.Step;
import io.berth.oci.runtime.RuntimeSpec;
import io.berth.shim.cgroup.CgroupFolders;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A container that is to be made.
 *
 * @param bundle absolute path
 * @param rootPath the folder of the machine that becomes the root if the client gave no mounts
 * @param rootPlace where the root is attached, in the supervisor's mount namespace
 * @param given mounts that the client gave for the root, first the root itself; may be empty
 * @param filter null for none
 * @param home value of HOME where the environment has none; null if unknown
 */
public record PlannedContainer(
    String id,
    String bundle,
    RuntimeSpec spec,
    String rootPath,
    String rootPlace,
    List<GivenMount> given,
    Stdio stdio,
    CgroupFolders cgroups,
    Step.@Nullable Filter filter,
    @Nullable String home,
    boolean noPivot,
    boolean noKeyring) {
  public PlannedContainer {
    given = List.copyOf(given);
  }

  /** A mount by its place inside the root; the empty target is the root itself. */
  public record GivenMount(String target, boolean folder) {}
}
