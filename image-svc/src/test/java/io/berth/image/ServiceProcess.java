package io.berth.image;

import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.ListRequest;
import io.berth.api.containerd.services.containers.v1.ContainersGrpc;
import io.berth.api.containerd.services.containers.v1.ListContainersRequest;
import io.berth.api.containerd.services.containers.v1.ListContainersResponse;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.base.rpc.UnixServer;
import io.berth.testing.Eventually;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * The service in a process of its own, which can be killed, and beside it one that says that there
 * are no containers.
 */
final class ServiceProcess implements AutoCloseable {
  private final Path folder;
  private final Map<String, String> environment;
  private final EventLoops loops = new EventLoops(1);
  private final UnixServer containers;
  private Process process;
  private ManagedChannel channel;

  ServiceProcess(Path folder) throws Exception {
    this(folder, Map.of());
  }

  /** Starts the service with more in its environment. */
  ServiceProcess(Path folder, Map<String, String> environment) throws Exception {
    this.folder = folder;
    this.environment = environment;
    // The other service, whose socket is here first, would have made the folder like this.
    Files.createDirectories(
        folder.resolve("state"),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx--x--x")));
    Files.writeString(
        folder.resolve("config.toml"),
        "root = \"" + root() + "\"\nstate = \"" + folder.resolve("state") + "\"\n");
    containers =
        UnixServer.start(
            loops,
            UnixServer.Options.of(
                folder.resolve("state/containerd.sock"), List.of(new NoContainers().bindService())),
            List.of());
    process = launch();
    channel = connect();
  }

  static final class NoContainers extends ContainersGrpc.ContainersImplBase {
    @Override
    public void list(
        ListContainersRequest request, StreamObserver<ListContainersResponse> responses) {
      responses.onNext(ListContainersResponse.getDefaultInstance());
      responses.onCompleted();
    }
  }

  private Process launch() throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                classPath(),
                ImageMain.class.getName(),
                "--config",
                folder.resolve("config.toml").toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()));
    builder.environment().putAll(environment);
    return builder.start();
  }

  /** The class path of the tests: some runners give it to a class loader, some as a property. */
  private static String classPath() {
    return ServiceProcess.class.getClassLoader() instanceof URLClassLoader parts
        ? Arrays.stream(parts.getURLs()).map(URL::getPath).collect(Collectors.joining(":"))
        : System.getProperty("java.class.path");
  }

  private ManagedChannel connect() throws Exception {
    ManagedChannel made = UnixChannel.to(loops, folder.resolve("state/image.sock"));
    boolean answered = false;
    try {
      Eventually.holds(
          "the service answered, or its process ended",
          () -> {
            if (!process.isAlive()) {
              return true;
            }
            var _ =
                UnixChannel.in(ImagesGrpc.newBlockingStub(made), "default", null)
                    .withDeadlineAfter(5, TimeUnit.SECONDS)
                    .list(ListRequest.getDefaultInstance());
            return true;
          });
      answered = process.isAlive();
    } finally {
      if (!answered) {
        made.shutdownNow();
      }
    }
    if (!answered) {
      throw new AssertionError(Files.readString(folder.resolve("log")));
    }
    return made;
  }

  Path root() {
    return folder.resolve("root");
  }

  ManagedChannel channel() {
    return channel;
  }

  /** Kills the service as kill -9 does. */
  void kill() {
    process.destroyForcibly().onExit().join();
    channel.shutdownNow();
  }

  void restart() throws Exception {
    process = launch();
    channel = connect();
  }

  @Override
  public void close() {
    kill();
    containers.close();
    loops.close();
  }
}
