package io.berth.cli.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.config.Config;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The connections of one line, which end with it. */
public final class OwnConnections implements SocketConnector.Connections {
  @GuardedBy("this")
  private final List<ManagedChannel> channels = new ArrayList<>();

  /** Null until the first channel is made. */
  @GuardedBy("this")
  private @Nullable EventLoops loops;

  /** Connects to the services of an instance. */
  public static Connector to(Config config) {
    return new SocketConnector(config, new OwnConnections());
  }

  @Override
  public synchronized Channel open(Path socket) {
    if (loops == null) {
      loops = new EventLoops(1);
    }
    ManagedChannel channel = UnixChannel.to(loops, socket);
    channels.add(channel);
    return channel;
  }

  @Override
  public synchronized void close() {
    channels.forEach(ManagedChannel::shutdownNow);
    if (loops != null) {
      loops.close();
    }
  }
}
