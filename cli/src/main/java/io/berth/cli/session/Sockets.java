package io.berth.cli.session;

import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The services' sockets of one instance. */
public final class Sockets implements Connector {
  private final Config config;
  private final Map<String, ManagedChannel> channels = new HashMap<>();
  private @Nullable EventLoops loops;

  /** Opens nothing yet. */
  public Sockets(Config config) {
    this.config = config;
  }

  @Override
  public synchronized Channel to(String service) {
    Path socket = config.socket(service);
    if (!Files.exists(socket)) {
      throw new BerthException.Unavailable(
          "connect to `"
              + socket
              + "`: no such socket; start berth-"
              + service
              + " (`berth-services start`)");
    }
    if (loops == null) {
      loops = new EventLoops(1);
    }
    EventLoops open = loops;
    return channels.computeIfAbsent(service, _ -> UnixChannel.to(open, socket));
  }

  @Override
  public synchronized void close() {
    channels.values().forEach(ManagedChannel::shutdownNow);
    if (loops != null) {
      loops.close();
    }
  }
}
