package io.berth.base.rpc;

import io.berth.base.time.Sleeper;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The threads of one process's gRPC: a few event loops that run nothing of ours, and virtual
 * threads for handlers. One per process, closed last.
 */
public final class EventLoops implements AutoCloseable {
  // grpc-java sets SO_KEEPALIVE on every channel, and Netty warns of each Unix socket, as these do
  // not have the option. The logger is held here so that its level stays.
  private static final Logger BOOTSTRAP_LOG = Logger.getLogger("io.netty.bootstrap");

  static {
    BOOTSTRAP_LOG.setLevel(Level.SEVERE);
  }

  private final EventLoopGroup group;
  private final ExecutorService handlers =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("rpc").factory());

  /** Makes this many event loop threads; two are enough for a busy service, one for a program. */
  public EventLoops(int threads) {
    group =
        new MultiThreadIoEventLoopGroup(
            threads,
            new DefaultThreadFactory("grpc-epoll", /* daemon= */ true),
            EpollIoHandler.newFactory());
  }

  /**
   * Starts the threads that stay, which the first call would do otherwise. They have the folder and
   * the mask of the thread that starts them (CLONE_FS of clone(2)), for as long as they live.
   */
  public void startThreads() {
    group.forEach(loop -> loop.execute(() -> {}));
    // The wait starts the thread that ends the waits of virtual ones.
    handlers.execute(() -> {
      var _ = Sleeper.SYSTEM.pause(Duration.ofNanos(1));
    });
  }

  EventLoopGroup group() {
    return group;
  }

  /** Runs each handler on a virtual thread of its own. */
  public ExecutorService handlers() {
    return handlers;
  }

  @Override
  public void close() {
    handlers.shutdown();
    group.shutdownGracefully(0, 500, TimeUnit.MILLISECONDS);
  }
}
