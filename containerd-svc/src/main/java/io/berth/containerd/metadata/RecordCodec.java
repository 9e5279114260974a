package io.berth.containerd.metadata;

/**
 * How a container's record lies in the database. Records outlive the program that wrote them, so
 * every build reads what an older one wrote. Thread-safe.
 */
public interface RecordCodec {
  /** For the database. */
  byte[] encode(ContainerRecord container);

  /** DATA_LOSS for bytes that are no record. */
  ContainerRecord decode(byte[] stored);
}
