package io.berth.network;

import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.linux.net.NetworkNamespace;
import io.berth.testing.Eventually;
import io.grpc.ManagedChannel;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/** network-svc as a process of its own inside a test's host; killed and started at will. */
final class ServiceProcess implements AutoCloseable {
  private final TestHost host;
  private final Path config;
  private final Path pin;
  private final EventLoops loops = new EventLoops(1);
  private Process process;
  private ManagedChannel channel;

  ServiceProcess(TestHost host) throws IOException {
    this.host = host;
    config = host.folder.resolve("config.toml");
    pin = host.folder.resolve("host");
    host.host.pin(pin);
    Path libexec = Files.createDirectories(host.folder.resolve("libexec/bin"));
    if (hasKeeper()) {
      Files.copy(
          supervisor(), libexec.resolve("berth-supervisor"), StandardCopyOption.COPY_ATTRIBUTES);
    }
    Files.writeString(config, "libexec = \"" + host.folder + "/libexec\"\n" + host.configText());
  }

  private static Path supervisor() {
    return Path.of("../native/target/bin/berth-supervisor").toAbsolutePath().normalize();
  }

  /** Whether the native half is built. */
  static boolean hasKeeper() {
    return Files.isExecutable(supervisor());
  }

  /** Starts it and waits until it answers. */
  void start() throws Exception {
    startUnder();
  }

  /** The same, with a program before it that takes something from it. */
  void startUnder(String... wrapper) throws Exception {
    process = run(List.of(wrapper));
    var _ =
        Eventually.answers(
            "an answer of the service",
            () -> {
              if (channel != null) {
                channel.shutdownNow();
              }
              channel = UnixChannel.to(loops, host.config().socket("network"));
              return HealthGrpc.newBlockingStub(channel)
                  .check(HealthCheckRequest.getDefaultInstance());
            },
            _ -> true);
  }

  private Process run(List<String> wrapper, String... more) throws IOException {
    List<String> command = new ArrayList<>(List.of("nsenter", "--net=" + pin));
    command.addAll(wrapper);
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin/java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-cp",
            classPath(),
            NetworkMain.class.getName(),
            "--config",
            config.toString()));
    command.addAll(List.of(more));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(host.folder.resolve("log").toFile()))
        .start();
  }

  /** The class path of this test, also where a launcher brought it along in a loader of its own. */
  private static String classPath() {
    List<String> parts = new ArrayList<>();
    ClassLoader loader = ServiceProcess.class.getClassLoader();
    if (loader instanceof URLClassLoader urls) {
      for (URL url : urls.getURLs()) {
        parts.add(Path.of(URI.create(url.toString())).toString());
      }
    }
    parts.add(System.getProperty("java.class.path"));
    return String.join(File.pathSeparator, parts);
  }

  ManagedChannel channel() {
    return channel;
  }

  /** As a power cut for it alone. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Takes everything of the instance off the host. */
  void removeAll() throws Exception {
    process.destroy();
    process.waitFor();
    Process removal = run(List.of(), "--remove-all");
    if (removal.waitFor() != 0) {
      throw new IOException(log());
    }
  }

  String log() throws IOException {
    return Files.readString(host.folder.resolve("log"), StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws IOException {
    if (channel != null) {
      channel.shutdownNow();
    }
    loops.close();
    if (process != null) {
      process.destroyForcibly().onExit().join();
    }
    NetworkNamespace.unpin(pin);
  }
}
