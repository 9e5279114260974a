package io.berth.containerd.container;

import io.berth.base.id.KeyedLocks;
import io.berth.base.id.TaskKey;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/** The locks of this service's containers. */
@Singleton
final class KeyLocks extends KeyedLocks<TaskKey> {
  @Inject
  KeyLocks() {}
}
