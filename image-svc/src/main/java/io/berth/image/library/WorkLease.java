package io.berth.image.library;

import io.berth.base.error.BerthException;
import io.berth.image.lease.Lease;
import io.berth.image.lease.Leases;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;

/**
 * A lease around one piece of work of ours; dropped with it, or by its time if we die in the
 * middle.
 */
public final class WorkLease implements AutoCloseable {
  private static final Duration LIFE = Duration.ofHours(24);

  private final Leases leases;
  private final String namespace;
  private final String id;

  private WorkLease(Leases leases, String namespace, String id) {
    this.leases = leases;
    this.namespace = namespace;
    this.id = id;
  }

  /** Takes a lease for one piece of work. */
  public static WorkLease take(Leases leases, String namespace, String work) {
    String id = "berth-" + work + "-" + UUID.randomUUID();
    leases.create(namespace, id, Map.of(Lease.EXPIRE, Instant.now().plus(LIFE).toString()));
    return new WorkLease(leases, namespace, id);
  }

  /** The id of the lease. */
  public String id() {
    return id;
  }

  @Override
  public void close() {
    try {
      leases.delete(namespace, id);
    } catch (BerthException.NotFound e) {
      // The lease has expired, or somebody deleted it.
      return;
    }
  }
}
