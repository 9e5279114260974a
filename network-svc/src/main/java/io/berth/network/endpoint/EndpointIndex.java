package io.berth.network.endpoint;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** The endpoints in memory: what the store has, by id and by container. Safe for all threads. */
final class EndpointIndex {
  @GuardedBy("this")
  private final Map<String, EndpointRecord> byId = new HashMap<>();

  @GuardedBy("this")
  private final Map<EndpointKey, String> live = new HashMap<>();

  EndpointIndex(Collection<EndpointRecord> endpoints) {
    endpoints.forEach(this::put);
  }

  /** Adds an endpoint, or replaces the one with its id. */
  synchronized void put(EndpointRecord endpoint) {
    byId.put(endpoint.id(), endpoint);
    if (endpoint.state() == EndpointRecord.State.LEAVING) {
      live.remove(endpoint.key(), endpoint.id());
    } else {
      live.put(endpoint.key(), endpoint.id());
    }
  }

  synchronized Optional<EndpointRecord> remove(String id) {
    EndpointRecord removed = byId.remove(id);
    if (removed != null) {
      live.remove(removed.key(), id);
      notifyAll();
    }
    return Optional.ofNullable(removed);
  }

  /** The endpoint of a container, unless it is leaving. */
  synchronized Optional<EndpointRecord> live(EndpointKey key) {
    return Optional.ofNullable(live.get(key)).map(byId::get);
  }

  /** Every endpoint that a client may see. */
  synchronized List<EndpointRecord> ready() {
    return byId.values().stream()
        .filter(e -> e.state() == EndpointRecord.State.READY)
        .sorted(Comparator.comparing(EndpointRecord::attachedAt).thenComparing(EndpointRecord::id))
        .toList();
  }

  /** The endpoints that a network is kept for: those on it but not those that leave it. */
  synchronized List<EndpointRecord> holding(String network) {
    return on(network).stream().filter(e -> e.state() != EndpointRecord.State.LEAVING).toList();
  }

  /** Ids of endpoints that leave a network. */
  synchronized Set<String> leaving(String network) {
    return on(network).stream()
        .filter(e -> e.state() == EndpointRecord.State.LEAVING)
        .map(EndpointRecord::id)
        .collect(Collectors.toSet());
  }

  /** Blocks until none of these is there; false when the time is over first. */
  synchronized boolean awaitGone(Set<String> ids, long millis) {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    try {
      while (!Collections.disjoint(byId.keySet(), ids)) {
        long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        if (left <= 0) {
          return false;
        }
        wait(left);
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** The endpoints on a network, and those that leave it, whose addresses are not free yet. */
  synchronized List<EndpointRecord> on(String network) {
    return byId.values().stream().filter(e -> e.place().network().equals(network)).toList();
  }

  /** Whether a link on the host is of an endpoint that is ready. */
  synchronized boolean isInUse(String hostLink) {
    return byId.values().stream()
        .anyMatch(
            e -> e.state() == EndpointRecord.State.READY && e.place().hostLink().equals(hostLink));
  }

  synchronized List<EndpointRecord> all() {
    return List.copyOf(byId.values());
  }

  synchronized boolean hasPublished(String network) {
    return byId.values().stream()
        .anyMatch(e ->
            e.place().network().equals(network)
                && e.state() != EndpointRecord.State.LEAVING
                && !e.ports().isEmpty());
  }
}
