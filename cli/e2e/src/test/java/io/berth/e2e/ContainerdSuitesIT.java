package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The suites by which containerd's own library tests content stores and snapshotters, over gRPC on
 * our socket; against three instances in a row, for some of what they show depends on which message
 * comes first. Needs Debian's sources of that library and a compiler of Go ({@code dist/packages
 * test} installs both).
 */
@Tag("root")
final class ContainerdSuitesIT {
  private static final Path SOURCES = Path.of("/usr/share/gocode");
  private static final List<String> COMPILERS = List.of("/usr/bin/go", "/usr/local/go/bin/go");

  /** The first compilation takes minutes; what it made stays in target for the next. */
  private static final Path BUILT = Path.of("target/go").toAbsolutePath();

  private static final Duration COMPILATION = Duration.ofMinutes(10);

  /** An instance for each repetition. */
  static final class Fresh implements BeforeEachCallback, AfterEachCallback {
    final BerthInstance instance = new BerthInstance(BerthInstance.COLD);

    @Override
    public void beforeEach(ExtensionContext context) throws Exception {
      instance.beforeAll(context);
    }

    @Override
    public void afterEach(ExtensionContext context) throws Exception {
      instance.afterAll(context);
    }
  }

  @RegisterExtension final Fresh fresh = new Fresh();

  @BeforeAll
  static void compile() throws Exception {
    Path library = SOURCES.resolve("src/github.com/containerd/containerd/content/testsuite");
    assumeTrue(
        Files.isDirectory(library),
        () -> "no `" + library + "`: apt-get install golang-github-containerd-containerd-dev");
    String go =
        COMPILERS.stream().filter(name -> Files.exists(Path.of(name))).findFirst().orElse("");
    assumeTrue(!go.isEmpty(), () -> "none of " + COMPILERS + ": apt-get install golang");
    Files.createDirectories(BUILT);
    Command.run(
            List.of(
                go,
                "test",
                "-vet=off",
                "-c",
                "-o",
                BUILT.resolve("suites").toString(),
                Path.of("src/test/go/suites_test.go").toAbsolutePath().toString()),
            new byte[0],
            Map.of(
                "GO111MODULE",
                "off",
                "GOPATH",
                SOURCES.toString(),
                "GOCACHE",
                BUILT.resolve("cache").toString(),
                "GOFLAGS",
                "",
                "GOPROXY",
                "off"),
            COMPILATION)
        .exits(0);
  }

  @RepeatedTest(3) // cases C1, C2, C3, C8
  void content_andSnapshots_passContainerdsSuites() throws Exception {
    CompletableFuture<Command> snapshots =
        CompletableFuture.supplyAsync(() -> suite("TestSnapshots"), Command.READERS);
    Command content = suite("TestContent").exits(0);
    assertEquals(14, passed(content), content::out);
    // One of the 21 leaves itself out for every overlay file system: it renames a folder.
    assertEquals(20, passed(snapshots.join().exits(0)), () -> snapshots.join().out());
  }

  private Command suite(String name) {
    return Command.run(
        List.of(BUILT.resolve("suites").toString(), "-test.v", "-test.run", "^" + name + "$"),
        new byte[0],
        Map.of(
            "BERTH_SOCKET", fresh.instance.socket().toString(), "BERTH_SNAPSHOTTER", "overlayfs"));
  }

  private static long passed(Command suite) {
    try (Stream<String> lines = Objects.requireNonNull(suite.out()).lines()) {
      return lines.filter(line -> line.startsWith("    --- PASS: ")).count();
    }
  }
}
