package io.berth.image.lease;

import io.berth.base.error.BerthException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A lease around one piece of work of ours; dropped with it, also when its caller goes away. If the
 * work dies in the middle with its process, or the lease cannot be dropped because the disk is
 * full, it goes with the next collection. That of a pull that died stays until the next prune, or
 * for ten minutes after the start: until then the same pull may be asked for again, and goes on
 * from what is here.
 */
public final class WorkLease implements AutoCloseable {
  private static final Logger LOG = System.getLogger(WorkLease.class.getName());

  private static final Duration GRACE = Duration.ofMinutes(10);
  private static final long LOADED = System.nanoTime();

  /** For an older program that shares the disk, and knows no label of work. */
  private static final Duration LIFE = Duration.ofHours(24);

  private static final String LABEL = "berth.work";

  /** The work that can be gone on with by whoever asks for the same again. */
  private static final String PULL = "pull";

  /** The ids of the leases whose work goes on in this process; an id is never made twice. */
  private static final Set<String> RUNNING = ConcurrentHashMap.newKeySet();

  /** The ids of the leases that could not be dropped with their work. */
  private static final Set<String> UNDROPPED = ConcurrentHashMap.newKeySet();

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
    RUNNING.add(id);
    boolean taken = false;
    try {
      leases.create(
          namespace, id, Map.of(LABEL, work, Lease.EXPIRE, Instant.now().plus(LIFE).toString()));
      taken = true;
    } finally {
      if (!taken) {
        RUNNING.remove(id);
      }
    }
    return new WorkLease(leases, namespace, id);
  }

  /** Whether a lease is around work that nobody will go on with. */
  static boolean isOver(String id, Map<String, String> labels) {
    boolean awaited =
        PULL.equals(labels.get(LABEL))
            && !UNDROPPED.contains(id)
            && System.nanoTime() - LOADED < GRACE.toNanos();
    return !awaited && isAbandoned(id, labels);
  }

  /** Whether a lease is around work of ours that does not run any more. */
  static boolean isAbandoned(String id, Map<String, String> labels) {
    return labels.containsKey(LABEL) && !RUNNING.contains(id);
  }

  /** The id of the lease. */
  public String id() {
    return id;
  }

  /** Drops the lease, also on the interrupted thread of a caller who went away. */
  @Override
  public void close() {
    RUNNING.remove(id);
    // The store refuses to wait on an interrupted thread.
    boolean interrupted = Thread.interrupted();
    try {
      leases.delete(namespace, id);
    } catch (BerthException.NotFound e) {
      LOG.log(Level.DEBUG, "lease {0} has expired, or somebody deleted it", id);
    } catch (BerthException e) {
      UNDROPPED.add(id);
      LOG.log(
          Level.WARNING, "drop lease {0}: {1}; the next collection does it", id, e.getMessage());
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
