package io.berth.containerd.container;

import io.berth.base.id.TaskKey;
import io.berth.containerd.settings.ContainerDescription;
import io.berth.containerd.settings.NetworkEndpoint;

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

  /**
   * Whether network-svc gives it a place of its own: not the host's, nor another container's, nor
   * none. (Of containers on {@code none} that an older build has made, it keeps the namespace.)
   */
  boolean hasEndpoint() {
    return !described.network().isHost()
        && described.network().sharedWith() == null
        && !described.endpoint().equals(NetworkEndpoint.ALONE);
  }

  NamedContainer with(Progress changed) {
    return new NamedContainer(described, changed);
  }

  @Override
  public String toString() {
    return "container " + name();
  }
}
