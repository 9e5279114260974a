package io.berth.containerd.metadata;

import com.google.protobuf.Any;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What is known of a container whether it runs or not: the record that clients of containerd
 * create, read and change. Immutable; maps keep the order in which they came.
 *
 * @param id unique in its namespace; it follows the rule of {@link io.berth.base.id.Identifier}
 * @param labels what clients note and filter by; values are not empty once stored
 * @param image the name of the image that it was made from; empty if there is none
 * @param runtime what runs it, never changed after creation
 * @param spec the OCI runtime specification, opaque here; {@link Any#getDefaultInstance} is none,
 *     which only a record that a client sends can have
 * @param rootfs the snapshot that is its root
 * @param extensions opaque values of clients, by their names
 * @param sandbox the id of the sandbox that it belongs to; empty if there is none
 * @param times when it was made and changed; of a record that a client sends they mean nothing
 */
public record ContainerRecord(
    String id,
    Map<String, String> labels,
    String image,
    Runtime runtime,
    Any spec,
    Rootfs rootfs,
    Map<String, Any> extensions,
    String sandbox,
    Times times) {

  public ContainerRecord {
    labels = copy(labels);
    extensions = copy(extensions);
  }

  /**
   * What runs a container.
   *
   * @param name such as {@code io.containerd.runc.v2}; empty only in what a client sends
   * @param options opaque options of it; {@link Any#getDefaultInstance} is none
   */
  public record Runtime(String name, Any options) {}

  /**
   * A snapshot by its key.
   *
   * @param snapshotter empty if the container's root is no snapshot
   * @param key empty if the container's root is no snapshot
   */
  public record Rootfs(String snapshotter, String key) {
    /** For a container whose specification names a folder as its root. */
    public static final Rootfs NONE = new Rootfs("", "");
  }

  /** When the record was made, and when it was last changed. */
  public record Times(Instant created, Instant updated) {
    /** Of a record that was not stored yet. */
    public static final Times NONE = new Times(Instant.EPOCH, Instant.EPOCH);
  }

  /** Whether there is a specification. */
  public boolean hasSpec() {
    return !spec.equals(Any.getDefaultInstance());
  }

  /** The same with these labels and no others. */
  public ContainerRecord withLabels(Map<String, String> changed) {
    return new ContainerRecord(
        id, changed, image, runtime, spec, rootfs, extensions, sandbox, times);
  }

  /** The same, made from the image of this name. */
  public ContainerRecord withImage(String changed) {
    return new ContainerRecord(
        id, labels, changed, runtime, spec, rootfs, extensions, sandbox, times);
  }

  /** The same with this specification. */
  public ContainerRecord withSpec(Any changed) {
    return new ContainerRecord(
        id, labels, image, runtime, changed, rootfs, extensions, sandbox, times);
  }

  /** The same on the snapshot of this key, of the same snapshotter. */
  public ContainerRecord withSnapshotKey(String changed) {
    return new ContainerRecord(
        id,
        labels,
        image,
        runtime,
        spec,
        new Rootfs(rootfs.snapshotter, changed),
        extensions,
        sandbox,
        times);
  }

  /** The same with these extensions in addition; those of the same names are replaced. */
  public ContainerRecord withMoreExtensions(Map<String, Any> more) {
    Map<String, Any> all = new LinkedHashMap<>(extensions);
    all.putAll(more);
    return new ContainerRecord(id, labels, image, runtime, spec, rootfs, all, sandbox, times);
  }

  /** The same, made and changed at these times. */
  public ContainerRecord withTimes(Times changed) {
    return new ContainerRecord(
        id, labels, image, runtime, spec, rootfs, extensions, sandbox, changed);
  }

  private static <V> Map<String, V> copy(Map<String, V> map) {
    return Collections.unmodifiableMap(new LinkedHashMap<>(map));
  }
}
