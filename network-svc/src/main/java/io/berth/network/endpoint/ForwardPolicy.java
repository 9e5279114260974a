package io.berth.network.endpoint;

/**
 * What happens to packets that this host routes between others' links, where it forwards only
 * because of Berth.
 */
enum ForwardPolicy {
  /** What was impossible stays impossible. */
  DROP,
  /** The host is a router, as if its administrator had made it one. */
  ACCEPT
}
