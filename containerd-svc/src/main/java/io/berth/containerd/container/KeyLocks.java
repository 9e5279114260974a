package io.berth.containerd.container;

import io.berth.base.id.KeyedLocks;
import io.berth.base.id.TaskKey;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The locks of this service's containers, so that one thing at a time is done to each. */
@Singleton
final class KeyLocks {
  private final KeyedLocks<TaskKey> locks = new KeyedLocks<>();

  @Inject
  KeyLocks() {}

  <T extends @Nullable Object> T with(TaskKey key, Supplier<T> work) {
    return locks.with(key, work);
  }
}
