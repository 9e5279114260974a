package io.berth.containerd.container;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.settings.Mount;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The volumes that are no folders: what they were made with is mounted on the host once for all
 * containers, from the start of the first that uses it to the end of the last one.
 *
 * <p>Nothing of it is stored. Which volumes are mounted, the kernel knows, and image-svc tells it;
 * which are used follows from the containers that run. {@link #resume} compares the two after a
 * start of this service. Thread-safe.
 */
@Singleton
final class MountedVolumes {
  private static final Logger LOG = System.getLogger(MountedVolumes.class.getName());

  private final Surroundings surroundings;
  private final NamedContainers containers;
  private final Tasks tasks;
  private final Map<String, Use> uses = new ConcurrentHashMap<>();

  /** Who uses one volume. Its lock is held while the volume is mounted and unmounted. */
  private static final class Use {
    @GuardedBy("this")
    final Set<TaskKey> users = new HashSet<>();

    /** It is no longer in the table, so whoever waited for it looks again. */
    @GuardedBy("this")
    boolean over;
  }

  /** What is done with the use of a volume, under its lock. */
  private interface Change {
    void make(Set<TaskKey> users);
  }

  @Inject
  MountedVolumes(Surroundings surroundings, NamedContainers containers, Tasks tasks) {
    this.surroundings = surroundings;
    this.containers = containers;
    this.tasks = tasks;
  }

  /** Mounts those of a container's volumes that are no folders. It can be repeated. */
  void mount(NamedContainer container) {
    for (String name : volumes(container)) {
      change(
          name,
          users -> {
            // It is entered before, for a call that fails may have mounted all the same; the
            // container's end unmounts it then.
            users.add(container.key());
            if (!surroundings.images().mountVolume(name)) {
              users.remove(container.key());
            }
          });
    }
  }

  /** Whether the end of a container leads to calls. */
  boolean uses(NamedContainer container) {
    return volumes(container).stream().anyMatch(uses::containsKey);
  }

  /** A container does not run any more; volumes that no other one uses are unmounted. */
  void release(NamedContainer container) {
    for (String name : volumes(container)) {
      if (uses.containsKey(name)) {
        change(
            name,
            users -> {
              if (users.equals(Set.of(container.key()))) {
                surroundings.images().unmountVolume(name);
              }
              users.remove(container.key());
            });
      }
    }
  }

  private static List<String> volumes(NamedContainer container) {
    return container.described().host().storage().mounts().stream()
        .filter(mount -> mount.isVolume() && !mount.source().isEmpty())
        .map(Mount::source)
        .distinct()
        .toList();
  }

  /** Makes a change; a use without users is taken out of the table afterwards. */
  private void change(String name, Change change) {
    while (true) {
      Use use = uses.computeIfAbsent(name, _ -> new Use());
      synchronized (use) {
        if (use.over) {
          continue;
        }
        try {
          change.make(use.users);
        } finally {
          if (use.users.isEmpty()) {
            use.over = true;
            uses.remove(name, use);
          }
        }
        return;
      }
    }
  }

  /**
   * Finds again, after a start of this service, who uses what is mounted, and unmounts what nobody
   * does. Tasks must be known. Waits for image-svc in a thread of its own.
   */
  void resume() {
    for (NamedContainer container : containers.list(null)) {
      if (!volumes(container).isEmpty()) {
        containers.runLocked(
            container.key(),
            () -> {
              if (tasks.isPresent(container.key())) {
                volumes(container)
                    .forEach(name -> change(name, users -> users.add(container.key())));
              }
            });
      }
    }
    Thread.ofVirtual().name("unmount-volumes").start(this::unmountUnused);
  }

  private void unmountUnused() {
    try {
      surroundings.images().service().await(_ -> {});
      for (String name : surroundings.images().mountedVolumes()) {
        change(
            name,
            users -> {
              if (users.isEmpty()) {
                surroundings.images().unmountVolume(name);
              }
            });
      }
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "unmount volumes that no container uses: {0}", e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
