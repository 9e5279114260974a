package io.berth.base.error;

import org.jspecify.annotations.Nullable;

/**
 * What stands in the way of a request that would be right at another time.
 *
 * @param object what was to be changed, made or taken
 * @param holder who has it, so that it cannot be had; null if nobody can be told
 */
public record Obstacle(Reason reason, Subject object, @Nullable Subject holder)
    implements ErrorDetail {
  /** Why not. The names are those of {@code berth.error.v1.Reason}. */
  public enum Reason {
    /** The holder has the name that was to be given. */
    NAME_TAKEN,
    /** The container runs, and must not. */
    CONTAINER_RUNNING,
    /** The container does not run, and should. */
    CONTAINER_NOT_RUNNING,
    /** The container is paused, and must not be. */
    CONTAINER_PAUSED,
    /** The container is not paused, and should be. */
    CONTAINER_NOT_PAUSED,
    /** The container is being removed by somebody. */
    CONTAINER_BEING_REMOVED,
    /** A container stands on the image. */
    IMAGE_IN_USE,
    /** More than one repository has the image. */
    IMAGE_HAS_NAMES,
    /** A container has the volume. */
    VOLUME_IN_USE,
    /** A container is on the network. */
    NETWORK_IN_USE,
    /** Somebody has the port of the machine. */
    PORT_TAKEN,
    /** A container has the address. */
    ADDRESS_TAKEN,
    /** Another snapshot stands on the snapshot. */
    SNAPSHOT_HAS_CHILDREN,
    /** Something is left in the namespace. */
    NAMESPACE_NOT_EMPTY,
    /** No image has the name or id, so it has to be pulled first. */
    IMAGE_NOT_FOUND
  }

  /** The sort of a thing; on the wire in small letters. */
  public enum Kind {
    CONTAINER,
    IMAGE,
    VOLUME,
    NETWORK,
    ENDPOINT,
    PORT,
    ADDRESS,
    SNAPSHOT,
    NAMESPACE,
    LEASE,
    PROCESS
  }

  /**
   * A thing by its name.
   *
   * @param name the name, or the id where a thing has only that
   */
  public record Subject(Kind kind, String name) {}

  /** An obstacle whose holder cannot be told, or is the object itself. */
  public static Obstacle of(Reason reason, Kind kind, String name) {
    return new Obstacle(reason, new Subject(kind, name), null);
  }

  /** The same obstacle, and who holds the object. */
  public Obstacle heldBy(Kind kind, String name) {
    return new Obstacle(reason, object, new Subject(kind, name));
  }
}
