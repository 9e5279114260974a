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
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The real service on a socket of its own, in folders of its own, for each test. */
final class ServiceExtension implements BeforeEachCallback, AfterEachCallback {
  private Path folder = Path.of("/");
  private @Nullable ImageDaemon daemon;
  private @Nullable EventLoops loops;
  private @Nullable ManagedChannel channel;
  private final String more;

  ServiceExtension() {
    this("");
  }

  /** Takes more lines of the configuration, in which {@code @} stands for the test's own folder. */
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
                + more.replace("@", folder.toString()));
    ImageDaemon created =
        DaggerImageComponent.factory().create(config, InstantSource.system()).daemon();
    created.start();
    daemon = created;
    EventLoops made = new EventLoops(1);
    loops = made;
    channel = UnixChannel.to(made, config.socket("image"));
  }

  void stop() {
    channel().shutdownNow();
    Objects.requireNonNull(loops).close();
    Objects.requireNonNull(daemon).stop();
  }

  Path root() {
    return folder.resolve("root");
  }

  /** The folder of the test. */
  Path folder() {
    return folder;
  }

  Path state() {
    return folder.resolve("state");
  }

  ManagedChannel channel() {
    return Objects.requireNonNull(channel);
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
