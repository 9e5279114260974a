package io.berth.base.rpc;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
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
  // grpc-java sets SO_KEEPALIVE on every channel, and Netty warns for each Unix socket that has
  // none.
  private static final Logger BOOTSTRAP_LOG = Logger.getLogger("io.netty.bootstrap");

  static {
    BOOTSTRAP_LOG.setLevel(Level.SEVERE);
  }

  private final EventLoopGroup group;
  private final ExecutorService handlers =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("rpc").factory());

  /** With this many event loop threads; two serve a busy service, one a small program. */
  public EventLoops(int threads) {
    group =
        new MultiThreadIoEventLoopGroup(
            threads,
            new DefaultThreadFactory("grpc-epoll", /* daemon= */ true),
            EpollIoHandler.newFactory());
  }

  EventLoopGroup group() {
    return group;
  }

  /** Where handlers run: a virtual thread each. */
  public ExecutorService handlers() {
    return handlers;
  }

  @Override
  public void close() {
    handlers.shutdown();
    group.shutdownGracefully(0, 500, TimeUnit.MILLISECONDS);
  }
}
