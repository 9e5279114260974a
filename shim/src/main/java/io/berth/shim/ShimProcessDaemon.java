package io.berth.shim;

import io.berth.base.config.Config;
import io.berth.base.daemon.Daemon;
import io.berth.base.io.AtomicFile;
import io.berth.base.io.FolderLock;
import io.berth.base.layout.ShimProcessFolder;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixServer;
import io.berth.shim.api.HostEndpoint;
import io.berth.shim.api.Shims;
import io.berth.shim.api.WarmExercise;
import io.berth.shim.api.WarmUp;
import io.berth.shim.run.HostServices;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Set;
import javax.inject.Inject;
import org.jspecify.annotations.Nullable;

/** A host process between start and stop. */
final class HostDaemon implements Daemon {
  private static final Logger LOG = System.getLogger(HostDaemon.class.getName());
  private static final int MAX_MESSAGE = 256 << 10;
  private static final long GRACE_MILLIS = 200;

  private final Config config;
  private final HostNumber number;
  private final Runnable end;
  private @Nullable FolderLock lock;
  private @Nullable HostServices services;
  private @Nullable EventLoops loops;
  private @Nullable Shims shims;
  private @Nullable UnixServer server;

  @Inject
  HostDaemon(Config config, HostNumber number, Runnable end) {
    this.config = config;
    this.number = number;
    this.end = end;
  }

  @Override
  public void start() throws Exception {
    ShimProcessFolder folder = new StateFolders(config.state()).shimProcess(number.value());
    folder.prepare();
    lock = FolderLock.take(folder.path(), ShimProcessFolder.LOCK);
    AtomicFile.write(folder.pid(), ProcessHandle.current().pid() + "\n", "rw-------");
    HostServices opened = HostServices.open(config);
    services = opened;
    EventLoops threads = new EventLoops(1);
    loops = threads;
    Shims held = new Shims(opened, threads);
    shims = held;
    WarmUp warmUp =
        new WarmUp(new WarmExercise(opened, threads, folder.warmUp(), "host" + number.value()));
    if (number.warm()) {
      warmUp.attempt();
    }
    HostEndpoint endpoint =
        new HostEndpoint(
            held, opened.happenings(), warmUp, String.valueOf(config.libexec().getFileName()), end);
    server =
        UnixServer.start(
            threads,
            new UnixServer.Options(
                folder.socket(),
                List.of(endpoint.bindService(), held.services()),
                Set.of(),
                null,
                MAX_MESSAGE,
                _ -> true,
                "rw-------"),
            List.of());
  }

  @Override
  public void stop() {
    if (server != null) {
      server.stop(GRACE_MILLIS);
    }
    if (shims != null) {
      shims.close();
    }
    if (loops != null) {
      loops.close();
    }
    if (services != null) {
      services.close();
    }
    release();
  }

  private void release() {
    try {
      if (lock != null) {
        lock.close();
      }
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "release the host's folder", e);
    }
  }
}
