package io.berth.shim;

import io.berth.base.config.Config;
import io.berth.base.daemon.Daemon;
import io.berth.base.io.AtomicFile;
import io.berth.base.io.FolderLock;
import io.berth.base.layout.ShimProcessFolder;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.ClientBounds;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixServer;
import io.berth.base.time.ClientsFirst;
import io.berth.base.time.Sleeper;
import io.berth.base.time.Ticker;
import io.berth.shim.api.ShimProcessNumber;
import io.berth.shim.api.ShimTable;
import io.berth.shim.run.ShimProcessServices;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;

/** A shim process between start and stop. Both are called once, by one thread. */
final class ShimProcessDaemon implements Daemon {
  private static final Logger LOG = System.getLogger(ShimProcessDaemon.class.getName());
  private static final int MAX_MESSAGE = 256 << 10;
  private static final long GRACE_MILLIS = 200;

  private final Config config;
  private final ShimProcessNumber number;
  private final boolean warm;
  private final Runnable end;
  private final Duration lookEvery;

  /** What was opened, the newest first. */
  private final Deque<Runnable> opened = new ArrayDeque<>();

  /**
   * A process that has not been started.
   *
   * @param warm whether it warms itself up before it answers
   * @param end called when it has been drained
   * @param lookEvery how often it looks whether it can still be reached
   */
  ShimProcessDaemon(
      Config config, ShimProcessNumber number, boolean warm, Runnable end, Duration lookEvery) {
    this.config = config;
    this.number = number;
    this.warm = warm;
    this.end = end;
    this.lookEvery = lookEvery;
  }

  @Override
  public void start() throws IOException {
    ShimProcessFolder folder = new StateFolders(config.state()).shimProcess(number.value());
    folder.prepare();
    FolderLock lock = FolderLock.take(folder.path(), ShimProcessFolder.LOCK);
    opened.push(() -> release(lock));
    AtomicFile.write(folder.pid(), ProcessHandle.current().pid() + "\n", "rw-------");
    ShimProcessServices services = ShimProcessServices.open(config);
    opened.push(services::close);
    EventLoops loops = new EventLoops(1);
    opened.push(loops::close);
    ShimProcessComponent process =
        DaggerShimProcessComponent.factory()
            .create(number, services, loops, new ClientsFirst(Ticker.SYSTEM, Sleeper.SYSTEM), end);
    opened.push(process.shims()::close);
    if (warm) {
      process.warmUp().attempt();
    }
    UnixServer server =
        UnixServer.start(
            loops,
            new UnixServer.Options(
                folder.socket(),
                List.of(process.endpoint().bindService(), process.shims().services()),
                Set.of(),
                null,
                ClientBounds.of(config).forServices().withMessage(MAX_MESSAGE),
                _ -> true,
                "rw-------"),
            List.of());
    opened.push(() -> server.stop(GRACE_MILLIS));
    Thread look =
        Thread.ofVirtual()
            .name("own-folder")
            .start(() -> awaitAbandonment(folder, process.shims()));
    opened.push(look::interrupt);
  }

  /**
   * Whoever started this process removes its folder when it takes it for dead. Nobody reaches it
   * any more then, and its tasks go to others: it ends when it has none, or it would keep its
   * number's lock and its memory for ever.
   */
  private void awaitAbandonment(ShimProcessFolder folder, ShimTable shims) {
    while (Sleeper.SYSTEM.pause(lookEvery)) {
      if (!Files.exists(folder.socket())) {
        LOG.log(Level.WARNING, "`{0}` is gone: ends without tasks", folder.socket());
        shims.drain(end);
        return;
      }
    }
  }

  @Override
  public void stop() {
    opened.forEach(Runnable::run);
    opened.clear();
  }

  private static void release(FolderLock lock) {
    try {
      lock.close();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "release the folder of the process", e);
    }
  }
}
