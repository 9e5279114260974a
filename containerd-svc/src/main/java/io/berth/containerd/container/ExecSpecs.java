package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.client.ImageCalls;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.settings.ExecSettings;
import io.berth.containerd.settings.ResolvedUser;
import io.berth.containerd.settings.RootFilesystem;
import io.berth.containerd.spec.ExecProcess;
import io.berth.containerd.task.Tasks;
import io.berth.oci.runtime.ProcessSpec;
import io.berth.oci.runtime.RuntimeSpec;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Objects;

/**
 * Makes the specifications of further processes from a container's own process and a wish.
 * Thread-safe.
 */
@Singleton
final class ExecSpecs {
  private final ContainerRecords records;
  private final Surroundings surroundings;
  private final Tasks tasks;

  @Inject
  ExecSpecs(ContainerRecords records, Surroundings surroundings, Tasks tasks) {
    this.records = records;
    this.surroundings = surroundings;
    this.tasks = tasks;
  }

  ProcessSpec of(NamedContainer container, ExecSettings wish) {
    RuntimeSpec spec =
        RuntimeSpec.read(
            records.get(container.key()).spec().getValue().toByteArray(),
            "specification of container `" + container.name() + "`");
    ProcessSpec init = Objects.requireNonNull(spec.process(), "a container of ours has a process");
    return ExecProcess.of(
        wish,
        init,
        container.described().config(),
        user(container, wish, init),
        surroundings.hostFacts().capabilities());
  }

  private ResolvedUser user(NamedContainer container, ExecSettings wish, ProcessSpec init) {
    if (wish.user().isEmpty()) {
      return new ResolvedUser(
          init.user().uid(), init.user().gid(), init.user().additionalGids(), "");
    }
    TaskKey key = container.key();
    Tasks.Glance glance = tasks.glance(key);
    if (glance == null || !glance.running()) {
      throw new BerthException.NotFound(
          "exec in container `" + container.name() + "`: it has ended");
    }
    // The root that its first process sees has all its mounts, and what was changed since its
    // start.
    RootFilesystem seen =
        new RootFilesystem(
            container.described().root().snapshotter(), "", "/proc/" + glance.pid() + "/root");
    return surroundings
        .images()
        .user(
            key.namespace(),
            seen,
            List.of(),
            new ImageCalls.UserWish(
                wish.user(), container.described().host().privileges().groupAdd()));
  }
}
