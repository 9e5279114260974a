package io.berth.network.endpoint;

/**
 * What happens to packets that this host routes between others' links, where it forwards only
 * because of Berth.
 */
enum ForwardPolicy {
  /** Packets that the host did not forward before Berth made it a router are dropped. */
  DROP,
  /** All packets are forwarded, as if the administrator had made the host a router. */
  ACCEPT
}
