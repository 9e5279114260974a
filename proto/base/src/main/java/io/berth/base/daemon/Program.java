package io.berth.base.daemon;

import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.io.FolderLock;
import io.berth.base.layout.RootFolders;
import io.berth.base.layout.StateFolders;
import io.berth.linux.KernelFeature;
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

  /** Makes the service from the configuration. */
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
    String program = "berth-" + name;
    try {
      Wish wish = Wish.of(arguments);
      if (wish.version) {
        out.println(program + " " + VERSION);
        return 0;
      }
      Config config = Config.read(wish.file);
      Log.configure(name, wish.level.orElse(config.text(Key.LOG_LEVEL)));
      if (wish.print) {
        out.print(config.describe());
        return 0;
      }
      if (wish.check) {
        out.println(program + ": `" + wish.file + "` is right");
        return 0;
      }
      var _ = KernelFeature.doWithout(config.withoutFeatures());
      return serve(name, config, factory);
    } catch (BerthException e) {
      err.println(program + ": " + e.getMessage());
      return e instanceof BerthException.InvalidArgument || e instanceof BerthException.NotFound
          ? 2
          : 1;
    } catch (Exception e) {
      LOG.log(Level.ERROR, "start", e);
      err.println(program + ": start: " + e.getMessage());
      return 1;
    }
  }

  /** What the arguments of a program ask for. */
  private record Wish(
      Path file, Optional<String> level, boolean check, boolean print, boolean version) {
    /** INVALID_ARGUMENT, with what there is, for an argument that is unknown or lacks its value. */
    static Wish of(String[] arguments) {
      Path file = Path.of("/etc/berth/config.toml");
      Optional<String> level = Log.levelOf(System.getenv());
      boolean check = false;
      boolean print = false;
      for (int i = 0; i < arguments.length; i++) {
        switch (arguments[i]) {
          case "--config" -> file = Path.of(value(arguments, ++i, "--config needs a file"));
          case "--log-level" ->
              level = Optional.of(value(arguments, ++i, "--log-level needs a level"));
          case "--check-config" -> check = true;
          case "--print-config" -> print = true;
          case "--version" -> {
            return new Wish(file, level, check, print, /* version= */ true);
          }
          default ->
              throw new BerthException.InvalidArgument(
                  "unknown argument `"
                      + arguments[i]
                      + "`; there are --config FILE, --log-level LEVEL, --check-config,"
                      + " --print-config, --version");
        }
      }
      return new Wish(file, level, check, print, /* version= */ false);
    }

    private static String value(String[] arguments, int at, String otherwise) {
      if (at == arguments.length) {
        throw new BerthException.InvalidArgument(otherwise);
      }
      return arguments[at];
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
        IdleCollection.start();
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
