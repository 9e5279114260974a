package io.berth.containerd.container;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.id.TaskKey;
import io.berth.containerd.event.RecentEvent;
import io.berth.containerd.event.RecentEvents;
import io.berth.containerd.settings.Mount;
import io.berth.containerd.settings.NetworkEndpoint;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Tells what happens to containers by name, in docker's words: this is the one place where those
 * are made. A start is told before the end of the same run, however short that was. Thread-safe.
 */
@Singleton
final class ContainerChronicle {
  private final RecentEvents recent;

  /** A start that is not told yet: its moment, and what happened since. */
  private record Starting(Instant at, List<RecentEvent> held) {}

  /** Containers whose start is not told yet. */
  @GuardedBy("this")
  private final Map<TaskKey, Starting> starting = new HashMap<>();

  /** Containers whose connection was told, and the end of it not. */
  @GuardedBy("this")
  private final Map<TaskKey, NetworkEndpoint> connected = new HashMap<>();

  /** Containers of which it was told that their volumes are mounted. */
  @GuardedBy("this")
  private final Set<TaskKey> mounted = new HashSet<>();

  @Inject
  ContainerChronicle(RecentEvents recent) {
    this.recent = recent;
  }

  /** Something without words of its own. */
  void tell(NamedContainer container, String action) {
    tell(container, action, Map.of());
  }

  /** Something with words of its own, which are told beside name, image and labels. */
  void tell(NamedContainer container, String action, Map<String, String> words) {
    tell(container.key(), event(container, action, words, recent.now()));
  }

  /** An event of a container, with what is told beside all of them. */
  static RecentEvent event(
      NamedContainer container, String action, Map<String, String> words, Instant at) {
    // Labels come last, for they are left out where there is no room.
    Map<String, String> attributes = new LinkedHashMap<>(words);
    attributes.put("image", container.described().image());
    attributes.put("name", container.name());
    container.described().config().labels().forEach(attributes::putIfAbsent);
    return new RecentEvent(
        container.key().namespace(),
        RecentEvent.CONTAINER,
        action,
        container.key().id(),
        attributes,
        at);
  }

  private synchronized void tell(TaskKey key, RecentEvent what) {
    Starting begun = starting.get(key);
    if (begun == null) {
      recent.tell(what);
    } else {
      begun.held().add(what);
    }
  }

  /** The program of a container is about to run. */
  void starting(NamedContainer container) {
    volumes(container, /* mount= */ true);
    synchronized (this) {
      starting.put(container.key(), new Starting(recent.now(), new ArrayList<>()));
    }
  }

  /** It runs, since the moment of {@link #starting}. */
  synchronized void started(NamedContainer container) {
    Starting begun = starting.remove(container.key());
    if (begun != null) {
      recent.tell(event(container, "start", Map.of(), begun.at()));
      begun.held().forEach(recent::tell);
    }
  }

  /** It could not run. */
  synchronized void notStarted(TaskKey key) {
    Starting begun = starting.remove(key);
    if (begun != null) {
      begun.held().forEach(recent::tell);
    }
  }

  /** The first process has ended. */
  void died(NamedContainer container, int status, boolean outOfMemory) {
    if (outOfMemory) {
      tell(container, "oom");
    }
    tell(container, "die", Map.of("exitCode", Integer.toString(status)));
  }

  /** A signal is sent to the first process. */
  void signalled(NamedContainer container, int signal) {
    tell(container, "kill", Map.of("signal", Integer.toString(signal)));
  }

  /** Containers that rested were removed. */
  void pruned(String namespace, long bytes) {
    recent.tell(
        new RecentEvent(
            namespace,
            RecentEvent.CONTAINER,
            "prune",
            "",
            Map.of("reclaimed", Long.toString(bytes)),
            recent.now()));
  }

  /** A container has its place on a network. */
  void connected(NamedContainer container, NetworkEndpoint endpoint) {
    if (endpoint.network().isEmpty()) {
      return;
    }
    synchronized (this) {
      if (connected.put(container.key(), endpoint) != null) {
        return;
      }
    }
    network(container, "connect", endpoint);
  }

  /** It has given up what it had of the host: its place on the network, and its volumes. */
  void released(NamedContainer container) {
    NetworkEndpoint left;
    synchronized (this) {
      left = connected.remove(container.key());
    }
    if (left != null) {
      network(container, "disconnect", left);
    }
    volumes(container, /* mount= */ false);
  }

  private void network(NamedContainer container, String action, NetworkEndpoint endpoint) {
    tell(
        container.key(),
        new RecentEvent(
            "",
            RecentEvent.NETWORK,
            action,
            endpoint.networkId().isEmpty() ? endpoint.network() : endpoint.networkId(),
            Map.of(
                "container",
                container.key().id(),
                "name",
                endpoint.network(),
                "type",
                endpoint.network().equals("none") ? "null" : "bridge"),
            recent.now()));
  }

  private void volumes(NamedContainer container, boolean mount) {
    synchronized (this) {
      boolean changed = mount ? mounted.add(container.key()) : mounted.remove(container.key());
      if (!changed) {
        return;
      }
    }
    for (Mount one : container.described().host().storage().mounts()) {
      if (one.isVolume()) {
        Map<String, String> attributes = new HashMap<>();
        attributes.put("container", container.key().id());
        attributes.put("driver", "local");
        if (mount) {
          attributes.put("destination", one.target());
          attributes.put("propagation", "");
          attributes.put("read/write", Boolean.toString(!one.readOnly()));
        }
        tell(
            container.key(),
            new RecentEvent(
                "",
                RecentEvent.VOLUME,
                mount ? "mount" : "unmount",
                one.source(),
                attributes,
                recent.now()));
      }
    }
  }
}
