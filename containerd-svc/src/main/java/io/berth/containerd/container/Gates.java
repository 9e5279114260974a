package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The containers that clients hold before their programs' first instructions. Whoever takes one
 * decides what becomes of it. Changed under the container's lock only; thread-safe to ask.
 */
@Singleton
final class Gates {
  private final Map<TaskKey, Gate> held = new ConcurrentHashMap<>();

  @Inject
  Gates() {}

  Gate hold(TaskKey key) {
    Gate gate = new Gate();
    held.put(key, gate);
    return gate;
  }

  boolean isHeld(TaskKey key) {
    return held.containsKey(key);
  }

  /** Takes the container from the client that holds it; null if none does. */
  @Nullable Gate take(TaskKey key) {
    return held.remove(key);
  }

  /** The same for one client's hold only; false if it has lost it. */
  boolean take(TaskKey key, Gate gate) {
    return held.remove(key, gate);
  }

  /** Tells the client that holds the container, if one does, that it is not its any more. */
  void shut(TaskKey key, String why) {
    Gate gate = held.remove(key);
    if (gate != null) {
      gate.shut(new BerthException.Aborted(why));
    }
  }
}
