package io.berth.containerd.container;

import io.berth.api.berth.container.v1.Container;
import io.berth.base.id.TaskKey;

/**
 * A container with a row of its own.
 *
 * @param described what was asked for, with everything that holds until the next change by a person
 */
record NamedContainer(TaskKey key, Container described, Progress progress) {
  String name() {
    return described.getName();
  }

  boolean isEphemeral() {
    return described.getHost().getAutoRemove();
  }

  /** Whether it has an address of its own: not the host's, nor another container's. */
  boolean hasEndpoint() {
    String mode = described.getNetwork().getMode();
    return !mode.equals("host") && !mode.startsWith("container:");
  }

  NamedContainer with(Progress changed) {
    return new NamedContainer(key, described, changed);
  }

  @Override
  public String toString() {
    return "container " + described.getName();
  }
}
