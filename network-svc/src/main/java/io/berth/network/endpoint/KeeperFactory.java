package io.berth.network.endpoint;

import io.berth.network.port.KeeperClient;
import io.berth.network.port.OwnKeeper;
import io.berth.network.port.SocketKeeper;
import java.io.IOException;
import java.nio.file.Files;

/** Finds the keeper of this instance's sockets, or starts it. */
@FunctionalInterface
public interface KeeperFactory {
  SocketKeeper open(NetworkSettings settings) throws IOException;

  /** Keeps sockets in a process of its own, or in this one where that program is not installed. */
  static SocketKeeper standard(NetworkSettings settings) throws IOException {
    return Files.isExecutable(settings.supervisor())
        ? KeeperClient.open(settings.keeperSocket(), settings.supervisor(), settings.keeperCgroup())
        : new OwnKeeper();
  }
}
