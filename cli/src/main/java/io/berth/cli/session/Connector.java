package io.berth.cli.session;

import io.grpc.Channel;

/** Connects to services. Safe for use by several threads. */
public interface Connector extends AutoCloseable {
  /**
   * The channel to a service by its short name, {@code containerd}, {@code image} or {@code
   * network}; always the same one for a name. Does not wait for the connection.
   *
   * @throws io.berth.base.error.BerthException.Unavailable if there is no socket for it
   */
  Channel to(String service);

  /** Ends all channels, and the calls on them. */
  @Override
  void close();
}
