package io.berth.containerd.container;

import io.berth.containerd.client.ImageCalls;
import io.berth.containerd.health.HealthState;
import io.berth.containerd.settings.ContainerDescription;
import io.berth.containerd.settings.NetworkEndpoint;
import io.berth.oci.runtime.RuntimeSpec;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A container as clients see it: what was asked for, and what it is doing at this moment.
 *
 * @param described what was asked for
 * @param run what its first process is doing
 * @param restarts how often its policy started it since a person did
 * @param endpoint its place on its network; none unless it runs
 * @param execs the further processes that people run in it
 * @param sizes bytes of its root file system; none where that was not asked for
 * @param mounts what its start mounts; empty where that was not asked for
 */
public record ContainerStatus(
    ContainerDescription described,
    Run run,
    int restarts,
    NetworkEndpoint endpoint,
    List<String> execs,
    ImageCalls.Sizes sizes,
    List<RuntimeSpec.Mount> mounts) {
  public ContainerStatus {
    execs = List.copyOf(execs);
    mounts = List.copyOf(mounts);
  }

  /**
   * The first process.
   *
   * @param state what it is doing
   * @param pid as the host sees it; 0 unless it runs
   * @param exitCode of its last end, as a shell tells it
   * @param error why it could not be started, or which service its start waits for; else empty
   * @param oomKilled whether the kernel ended it for want of memory
   * @param startedAt null if it never was
   * @param finishedAt null if it never has
   * @param health null without a health check, and before the first start
   */
  public record Run(
      RunState state,
      int pid,
      int exitCode,
      String error,
      boolean oomKilled,
      @Nullable Instant startedAt,
      @Nullable Instant finishedAt,
      @Nullable HealthState health) {}

  /** What it is doing. */
  public RunState state() {
    return run.state();
  }

  ContainerStatus withSizes(ImageCalls.Sizes bytes) {
    return new ContainerStatus(described, run, restarts, endpoint, execs, bytes, mounts);
  }

  ContainerStatus withMounts(List<RuntimeSpec.Mount> shown) {
    return new ContainerStatus(described, run, restarts, endpoint, execs, sizes, shown);
  }
}
