package io.berth.image;

import io.berth.base.config.Config;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Comparator;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The real service on a socket of its own, in folders of its own, for each test. */
final class ServiceExtension implements BeforeEachCallback, AfterEachCallback {
  private Path folder = Path.of("/");
  private ImageDaemon daemon;
  private EventLoops loops;
  private ManagedChannel channel;
  private final String more;

  ServiceExtension() {
    this("");
  }

  /** More lines of the configuration. */
  ServiceExtension(String more) {
    this.more = more;
  }

  @Override
  public void beforeEach(ExtensionContext context) throws IOException {
    folder = Files.createTempDirectory("berth-image");
    start();
  }

  void start() throws IOException {
    Files.createDirectories(folder.resolve("state"));
    Config config =
        Config.parse(
            null,
            "root = \""
                + folder.resolve("root")
                + "\"\nstate = \""
                + folder.resolve("state")
                + "\"\n"
                + more);
    daemon = DaggerImageComponent.factory().create(config, InstantSource.system()).daemon();
    daemon.start();
    loops = new EventLoops(1);
    channel = UnixChannel.to(loops, config.socket("image"));
  }

  void stop() {
    channel.shutdownNow();
    loops.close();
    daemon.stop();
  }

  Path root() {
    return folder.resolve("root");
  }

  Path state() {
    return folder.resolve("state");
  }

  ManagedChannel channel() {
    return channel;
  }

  @Override
  public void afterEach(ExtensionContext context) throws IOException {
    stop();
    try (var files = Files.walk(folder)) {
      for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
