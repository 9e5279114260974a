package io.berth.containerd.container;

import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.settings.ExecSettings;
import io.berth.containerd.settings.ResolvedUser;
import io.berth.containerd.settings.RootFilesystem;
import io.berth.containerd.spec.ExecProcess;
import io.berth.oci.runtime.ProcessSpec;
import io.berth.oci.runtime.RuntimeSpec;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Objects;

/**
 * Makes the specifications of further processes from a container's own process and a wish.
 * Thread-safe.
 */
@Singleton
final class ExecSpecs {
  private final ContainerRecords records;
  private final Surroundings surroundings;

  @Inject
  ExecSpecs(ContainerRecords records, Surroundings surroundings) {
    this.records = records;
    this.surroundings = surroundings;
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
        user(container, wish, init, spec),
        surroundings.hostFacts().capabilities());
  }

  private ResolvedUser user(
      NamedContainer container, ExecSettings wish, ProcessSpec init, RuntimeSpec spec) {
    if (wish.user().isEmpty()) {
      return new ResolvedUser(
          init.user().uid(), init.user().gid(), init.user().additionalGids(), "");
    }
    RootFilesystem stored = container.described().root();
    RootFilesystem root =
        stored.isSnapshot() || spec.root() == null
            ? stored
            : new RootFilesystem(stored.snapshotter(), "", spec.root().path());
    return surroundings
        .images()
        .user(
            container.key().namespace(),
            root,
            wish.user(),
            container.described().host().privileges().groupAdd());
  }
}
