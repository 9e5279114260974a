package io.berth.containerd.container;

import io.berth.base.id.TaskKey;
import io.berth.containerd.settings.ContainerDescription;

/**
 * A container that was made by {@code berth.container.v1}, as its row has it.
 *
 * @param described what was asked for, with everything that holds until a person changes it
 * @param progress how far it came
 */
public record NamedContainer(ContainerDescription described, Progress progress) {
  /** Namespace and id. */
  public TaskKey key() {
    return described.key();
  }

  /** The name, unique in the namespace. */
  public String name() {
    return described.name();
  }

  boolean isEphemeral() {
    return described.host().lifecycle().autoRemove();
  }

  /** Whether it has a place of its own on a network: not the host's, nor another container's. */
  boolean hasEndpoint() {
    return !described.network().isHost() && described.network().sharedWith() == null;
  }

  NamedContainer with(Progress changed) {
    return new NamedContainer(described, changed);
  }

  @Override
  public String toString() {
    return "container " + name();
  }
}
