package io.berth.network.endpoint;

import io.berth.base.id.Identifier;

/** A container, as containerd names it. */
public record EndpointKey(String namespace, String container) {
  public EndpointKey {
    Identifier.check(namespace);
    Identifier.check(container);
  }

  @Override
  public String toString() {
    return namespace + "/" + container;
  }
}
