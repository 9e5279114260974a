package io.berth.base.rpc;

import io.grpc.ManagedChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The event loops of a test, and servers and channels on them that end with it. */
final class OpenSockets implements AfterEachCallback {
  private final EventLoops loops = new EventLoops(2);
  private final List<AutoCloseable> open = new ArrayList<>();

  EventLoops loops() {
    return loops;
  }

  /** Closes it after the test, the newest first. */
  void add(AutoCloseable opened) {
    open.add(opened);
  }

  ManagedChannel channel(Path socket) {
    ManagedChannel channel = UnixChannel.to(loops, socket);
    open.add(channel::shutdownNow);
    return channel;
  }

  @Override
  public void afterEach(ExtensionContext context) throws Exception {
    for (AutoCloseable one : open.reversed()) {
      one.close();
    }
    loops.close();
  }
}
