package io.berth.containerd.container;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.id.TaskKey;
import io.berth.containerd.settings.ExecSettings;
import io.berth.containerd.task.Exit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Remembers the last processes in containers that have ended. Thread-safe. */
final class EndedExecs {
  private static final int MOST = 1000;

  @GuardedBy("this")
  private final Map<String, Ended> byId = new LinkedHashMap<>();

  /**
   * A process that ran.
   *
   * @param key its container's
   * @param wish null if an earlier run of this service made it
   * @param exit how it ended
   */
  record Ended(TaskKey key, @Nullable ExecSettings wish, Exit exit) {}

  /** Remembers one more, and forgets the oldest of too many. */
  synchronized void add(String execId, Ended ended) {
    byId.put(execId, ended);
    if (byId.size() > MOST) {
      byId.remove(byId.keySet().iterator().next());
    }
  }

  synchronized @Nullable Ended get(String execId) {
    return byId.get(execId);
  }

  synchronized List<String> ids(String namespace) {
    return byId.entrySet().stream()
        .filter(each -> each.getValue().key().namespace().equals(namespace))
        .map(Map.Entry::getKey)
        .toList();
  }
}
