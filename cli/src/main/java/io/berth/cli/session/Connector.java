package io.berth.cli.session;

import io.grpc.Channel;

/** Opens channels to services. */
public interface Connector extends AutoCloseable {
  /**
   * A channel to a service by its short name, {@code containerd}, {@code image} or {@code network}.
   * The same one for the same name.
   *
   * @throws io.berth.base.error.BerthException.Unavailable if nothing stands at its place
   */
  Channel to(String service);

  /** Ends all of them. */
  @Override
  void close();
}
