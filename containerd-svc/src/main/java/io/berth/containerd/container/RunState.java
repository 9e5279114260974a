package io.berth.containerd.container;

import java.util.Locale;

/** What a container is doing, as people see it. */
public enum RunState {
  /** It was made and has not run yet. */
  CREATED,
  RUNNING,
  /** Its processes are frozen. */
  PAUSED,
  /** It has ended, and its policy is about to start it again. */
  RESTARTING,
  /** It is being removed. */
  REMOVING,
  /** It has run and does not run now. */
  EXITED;

  /** The word of a filter {@code status=}. */
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether lists show it without being asked for all. */
  boolean isLively() {
    return this == RUNNING || this == PAUSED || this == RESTARTING;
  }

  /** Whether pruning removes it. */
  boolean isResting() {
    return this == EXITED || this == CREATED;
  }
}
