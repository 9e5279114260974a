package io.berth.image.api;

import io.berth.api.containerd.types.Descriptor;
import io.berth.api.containerd.types.Mount;
import io.berth.base.error.BerthException;
import io.berth.image.rootfs.ContainerMount;
import io.berth.image.snapshot.MountSpec;
import java.nio.file.Path;
import java.util.List;

/** Parts of messages that several endpoints share. */
final class Wire {
  private Wire() {}

  static Mount mount(MountSpec mount) {
    return Mount.newBuilder()
        .setType(mount.type())
        .setSource(mount.source())
        .addAllOptions(mount.options())
        .build();
  }

  static List<MountSpec> mounts(List<Mount> mounts) {
    return mounts.stream()
        .map(mount -> new MountSpec(mount.getType(), mount.getSource(), mount.getOptionsList()))
        .toList();
  }

  /**
   * The mounts of a container; INVALID_ARGUMENT for one that is neither a bind mount nor a tmpfs.
   */
  static List<ContainerMount> containerMounts(List<Mount> mounts) {
    return mounts.stream().map(Wire::containerMount).toList();
  }

  private static ContainerMount containerMount(Mount mount) {
    List<String> options = mount.getOptionsList();
    boolean recursive = options.contains("rbind");
    boolean bind = recursive || options.contains("bind") || mount.getType().equals("bind");
    boolean usable =
        mount.getTarget().startsWith("/")
            && (bind ? mount.getSource().startsWith("/") : mount.getType().equals("tmpfs"));
    if (!usable) {
      throw new BerthException.InvalidArgument(
          "mount `"
              + mount.getTarget()
              + "` of type `"
              + mount.getType()
              + "`: only bind mounts of absolute paths and tmpfs are put on a stopped container");
    }
    return new ContainerMount(
        mount.getTarget(),
        bind ? Path.of(mount.getSource()) : null,
        recursive,
        options.contains("ro") || options.contains("rro"),
        options.contains("rro"));
  }

  static Descriptor descriptor(io.berth.oci.image.Descriptor descriptor) {
    return Descriptor.newBuilder()
        .setMediaType(descriptor.mediaType())
        .setDigest(descriptor.digest())
        .setSize(descriptor.size())
        .putAllAnnotations(descriptor.annotations())
        .build();
  }

  /** Reads a descriptor. */
  static io.berth.oci.image.Descriptor descriptor(Descriptor descriptor) {
    return new io.berth.oci.image.Descriptor(
        descriptor.getMediaType(),
        descriptor.getDigest(),
        descriptor.getSize(),
        null,
        descriptor.getAnnotationsMap(),
        null,
        List.of());
  }
}
