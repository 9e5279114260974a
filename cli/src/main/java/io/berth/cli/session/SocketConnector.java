package io.berth.cli.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
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

/** Connects to the services of one instance at the sockets that its configuration names. */
public final class SocketConnector implements Connector {
  private final Config config;

  @GuardedBy("this")
  private final Map<String, ManagedChannel> channels = new HashMap<>();

  /** Null until the first channel is made. */
  @GuardedBy("this")
  private @Nullable EventLoops loops;

  /** Opens nothing yet. */
  public SocketConnector(Config config) {
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
