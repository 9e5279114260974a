package io.berth.containerd.settings;

import com.google.protobuf.Any;
import io.berth.base.id.TaskKey;

/**
 * The form in which a described container is stored. What an older build wrote is read, and what
 * this one writes an older build can read. Thread-safe.
 */
public interface DescriptionCodec {
  /** The bytes to be stored. */
  byte[] encode(ContainerDescription description);

  /** What was stored for this container. DATA_LOSS for bytes that are no description. */
  ContainerDescription decode(TaskKey key, byte[] stored);

  /**
   * The opaque options that containerd's record of the container has beside the name of its
   * runtime.
   *
   * @param runtime the foreign runtime as {@link RuntimeSettings#runtime} has it, or empty
   */
  Any runtimeOptions(String runtime);
}
