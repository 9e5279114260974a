package io.berth.image.api;

import com.google.protobuf.Timestamp;
import io.berth.api.containerd.types.Descriptor;
import io.berth.api.containerd.types.Mount;
import io.berth.image.snapshot.MountSpec;
import java.time.Instant;
import java.util.List;

/** Parts of messages that several endpoints share. */
final class Wire {
  private Wire() {}

  static Timestamp timestamp(Instant time) {
    return Timestamp.newBuilder()
        .setSeconds(time.getEpochSecond())
        .setNanos(time.getNano())
        .build();
  }

  static Instant instant(Timestamp time) {
    return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
  }

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

  static Descriptor descriptor(io.berth.oci.image.Descriptor descriptor) {
    return Descriptor.newBuilder()
        .setMediaType(descriptor.mediaType())
        .setDigest(descriptor.digest())
        .setSize(descriptor.size())
        .putAllAnnotations(descriptor.annotations())
        .build();
  }

  /** Checked: a digest that is none is refused. */
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
