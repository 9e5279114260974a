package io.berth.cli.resident;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.config.Config;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.cli.session.Connector;
import io.berth.cli.session.SocketConnector;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Connections to services that the lines of a process share. The calls of each line are its own.
 */
final class SharedConnections implements AutoCloseable {
  private static final int LOOPS = 1;

  private final EventLoops loops = new EventLoops(LOOPS);

  @GuardedBy("this")
  private final Map<Path, Shared> channels = new HashMap<>();

  /**
   * A channel, and which file it leads to: a service that was started anew has another socket of
   * the same name, while the one before may still answer on its own.
   */
  private record Shared(@Nullable Object socket, ManagedChannel channel) {}

  /**
   * Starts its threads, which have the folder of the calling one: a line's would keep a file system
   * from being unmounted long after the line.
   */
  SharedConnections() {
    loops.startThreads();
  }

  private synchronized ManagedChannel to(Path socket) {
    Object file = fileOf(socket);
    Shared known = channels.get(socket);
    if (known != null && file != null && file.equals(known.socket)) {
      return known.channel;
    }
    if (known != null) {
      known.channel.shutdown();
    }
    ManagedChannel made = UnixChannel.to(loops, socket);
    channels.put(socket, new Shared(file, made));
    return made;
  }

  private static @Nullable Object fileOf(Path socket) {
    try {
      return Files.readAttributes(socket, BasicFileAttributes.class).fileKey();
    } catch (IOException e) {
      return null;
    }
  }

  /** Connects a line to the services of an instance; closing it ends the line's calls. */
  Connector forLine(Config config) {
    return new SocketConnector(config, new OfLine());
  }

  private final class OfLine implements SocketConnector.Connections {
    private final List<LineChannel> own = new ArrayList<>();

    // The connector asks under its lock.
    @Override
    public Channel open(Path socket) {
      LineChannel channel = new LineChannel(() -> to(socket));
      synchronized (own) {
        own.add(channel);
      }
      return channel;
    }

    @Override
    public void close() {
      List<LineChannel> all;
      synchronized (own) {
        all = List.copyOf(own);
      }
      all.forEach(LineChannel::shutdownNow);
    }
  }

  @Override
  public synchronized void close() {
    channels.values().forEach(shared -> shared.channel.shutdownNow());
    loops.close();
  }
}
