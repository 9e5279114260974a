package io.berth.containerd.container;

import io.berth.api.berth.container.v1.ExecCreateRequest;
import io.berth.api.berth.container.v1.User;
import io.berth.api.berth.image.v1.LookUpUserRequest;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.spec.ExecProcess;
import io.berth.oci.runtime.ProcessSpec;
import io.berth.oci.runtime.RuntimeSpec;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Objects;

/** What a process run in a container is made from: the container's own process, and a wish. */
@Singleton
final class ExecSpecs {
  private final ContainerRecords records;
  private final Surroundings surroundings;

  @Inject
  ExecSpecs(ContainerRecords records, Surroundings surroundings) {
    this.records = records;
    this.surroundings = surroundings;
  }

  ProcessSpec of(NamedContainer container, ExecCreateRequest request) {
    RuntimeSpec spec =
        RuntimeSpec.read(
            records.get(container.key()).spec().getValue().toByteArray(),
            "specification of container `" + container.name() + "`");
    ProcessSpec init = Objects.requireNonNull(spec.process(), "a container of ours has a process");
    return ExecProcess.of(
        request,
        init,
        container.described().getConfig(),
        user(container, request, init, spec),
        surroundings.hostFacts().capabilities());
  }

  private User user(
      NamedContainer container, ExecCreateRequest request, ProcessSpec init, RuntimeSpec spec) {
    if (request.getUser().isEmpty()) {
      User.Builder own =
          User.newBuilder().setUid((int) init.user().uid()).setGid((int) init.user().gid());
      init.user().additionalGids().forEach(group -> own.addGroups(group.intValue()));
      return own.build();
    }
    String rootfs =
        container.described().getSnapshotKey().isEmpty() && spec.root() != null
            ? spec.root().path()
            : "";
    return surroundings
        .images()
        .user(
            container.key().namespace(),
            LookUpUserRequest.newBuilder()
                .setSnapshotter(container.described().getSnapshotter())
                .setKey(container.described().getSnapshotKey())
                .setRootfs(rootfs)
                .setUser(request.getUser())
                .addAllGroups(container.described().getHost().getGroupAddList())
                .build());
  }
}
