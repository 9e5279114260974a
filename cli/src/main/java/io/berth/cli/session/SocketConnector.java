package io.berth.cli.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.grpc.Channel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Connects to the services of one instance at the sockets that its configuration names. */
public final class SocketConnector implements Connector {
  private final Config config;
  private final Connections connections;

  @GuardedBy("this")
  private final Map<String, Channel> channels = new HashMap<>();

  /** Where channels come from. */
  public interface Connections extends AutoCloseable {
    /** A channel to a socket; asked once for each. */
    Channel open(Path socket);

    /** Ends the calls on all channels. */
    @Override
    void close();
  }

  /** Opens nothing yet. The connections are closed with it. */
  public SocketConnector(Config config, Connections connections) {
    this.config = config;
    this.connections = connections;
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
    return channels.computeIfAbsent(service, _ -> connections.open(socket));
  }

  @Override
  public void close() {
    connections.close();
  }
}
