package io.berth.base.daemon;

import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.io.FolderLock;
import io.berth.base.layout.RootFolders;
import io.berth.base.layout.StateFolders;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;

/**
 * The outer life of a service's process: arguments, configuration, one instance per state folder,
 * readiness (sd_notify(3)), SIGTERM.
 */
public final class Program {
  /**
   * What {@code --version} prints, and the version service answers (below 2.0.0 while there is no
   * transfer service).
   */
  public static final String VERSION = "1.7.0-berth";

  private static final Logger LOG = System.getLogger(Program.class.getName());

  private Program() {}

  /** Makes the daemon from the configuration. */
  public interface Factory {
    Daemon create(Config config) throws IOException;
  }

  /**
   * Runs until SIGTERM or SIGINT. The level of logging is {@code --log-level}'s, else that of the
   * variables {@code BERTH_LOG_LEVEL} and {@code LOG_LEVEL}, else the configuration's. Answers the
   * exit code: 0, 1 for a failed start, 2 for wrong arguments or configuration.
   *
   * @param name of the program's lock in the state folder, {@code containerd} for {@code
   *     berth-containerd}
   */
  public static int run(
      String name, String[] arguments, PrintStream out, PrintStream err, Factory factory) {
    Path file = Path.of("/etc/berth/config.toml");
    boolean check = false;
    boolean print = false;
    Optional<String> level = Log.levelOf(System.getenv());
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case "--config" -> {
          if (++i == arguments.length) {
            err.println("berth-" + name + ": --config needs a file");
            return 2;
          }
          file = Path.of(arguments[i]);
        }
        case "--log-level" -> {
          if (++i == arguments.length) {
            err.println("berth-" + name + ": --log-level needs a level");
            return 2;
          }
          level = Optional.of(arguments[i]);
        }
        case "--check-config" -> check = true;
        case "--print-config" -> print = true;
        case "--version" -> {
          out.println("berth-" + name + " " + VERSION);
          return 0;
        }
        default -> {
          // Rows DN-06, RK-46.
          err.println(
              "berth-"
                  + name
                  + ": unknown argument `"
                  + arguments[i]
                  + "`; there are --config FILE, --log-level LEVEL, --check-config, --print-config,"
                  + " --version");
          return 2;
        }
      }
    }
    try {
      Config config = Config.read(file);
      Log.configure(name, level.orElse(config.text(Key.LOG_LEVEL)));
      if (print) {
        out.print(config.describe());
        return 0;
      }
      if (check) {
        out.println("berth-" + name + ": `" + file + "` is right");
        return 0;
      }
      return serve(name, config, factory);
    } catch (BerthException e) {
      err.println("berth-" + name + ": " + e.getMessage());
      return e instanceof BerthException.InvalidArgument || e instanceof BerthException.NotFound
          ? 2
          : 1;
    } catch (Exception e) {
      LOG.log(Level.ERROR, "start", e);
      err.println("berth-" + name + ": start: " + e.getMessage());
      return 1;
    }
  }

  private static int serve(String name, Config config, Factory factory) throws Exception {
    prepareFolders(config);
    try (FolderLock _ = FolderLock.take(config.state(), name)) {
      Daemon daemon = factory.create(config);
      CountDownLatch asked = new CountDownLatch(1);
      CountDownLatch stopped = new CountDownLatch(1);
      Thread hook =
          Thread.ofPlatform()
              .name("stop")
              .unstarted(() -> {
                asked.countDown();
                try {
                  stopped.await();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              });
      Runtime.getRuntime().addShutdownHook(hook);
      boolean started = false;
      try {
        daemon.start();
        started = true;
        LOG.log(Level.INFO, "berth-{0} {1} ready, instance {2}", name, VERSION, config.instance());
        SdNotify.ready();
        asked.await();
        SdNotify.stopping();
      } finally {
        if (started) {
          daemon.stop();
        }
        stopped.countDown();
      }
      return 0;
    }
  }

  /**
   * Makes root and state, or sees to it that others reach nothing below the one and only what is
   * open to them below the other.
   */
  public static void prepareFolders(Config config) throws IOException {
    new RootFolders(config.root()).prepare();
    new StateFolders(config.state()).prepare();
  }
}
