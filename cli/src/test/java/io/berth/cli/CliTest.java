package io.berth.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.api.berth.container.v1.CreateResponse;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.berth.container.v1.ListResponse;
import io.berth.api.berth.container.v1.LogRecord;
import io.berth.api.berth.container.v1.LogsRequest;
import io.berth.api.berth.container.v1.StartRequest;
import io.berth.api.berth.container.v1.StartResponse;
import io.berth.api.berth.container.v1.StopRequest;
import io.berth.api.berth.container.v1.StopResponse;
import io.berth.api.berth.container.v1.WaitRequest;
import io.berth.api.berth.container.v1.WaitResponse;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.LoadRequest;
import io.berth.api.berth.image.v1.PrepareRequest;
import io.berth.api.berth.image.v1.PrepareResponse;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.berth.image.v1.RemoveRootfsRequest;
import io.berth.api.berth.image.v1.ResolveRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.UnixServer;
import io.berth.cli.session.Caller;
import io.berth.cli.session.Connector;
import io.berth.cli.session.Signals;
import io.berth.testing.InProcessGrpc;
import io.grpc.Channel;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole lines, with services in this process that remember what they were asked. */
final class CliTest {
  @RegisterExtension final InProcessGrpc grpc = new InProcessGrpc(UnixServer.INTERCEPTORS);

  private final List<String> asked = new ArrayList<>();
  private final AtomicBoolean imageIsHere = new AtomicBoolean(true);
  private final AtomicBoolean createFails = new AtomicBoolean();
  private CreateRequest created = CreateRequest.getDefaultInstance();
  private byte[] input = new byte[0];
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private Map<String, Channel> channels = Map.of();

  @BeforeEach
  void serve() throws IOException {
    Channel containerd = grpc.serve(new Containers());
    Channel image = grpc.serve(new Images(), new Rootfs());
    channels = Map.of("containerd", containerd, "image", image);
  }

  private int berth(String... arguments) {
    Caller caller =
        new Caller(
            new ByteArrayInputStream(input),
            new PrintStream(out, /* autoFlush= */ true, StandardCharsets.UTF_8),
            new PrintStream(err, /* autoFlush= */ true, StandardCharsets.UTF_8),
            Map.of("A", "own"),
            Path.of(""),
            new Signals(),
            /* descriptors= */ null);
    return Cli.run(
        Arrays.asList(arguments),
        caller,
        config ->
            new Connector() {
              @Override
              public Channel to(String service) {
                Channel channel = channels.get(service);
                if (channel == null) {
                  throw new BerthException.Unavailable("connect to `" + service + "`: none");
                }
                return channel;
              }

              @Override
              public void close() {}
            });
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  // Rows D01-03, D01-11, DC-14, DN-31.
  // Rows D01-52, MB-55, MB-91.
  @ParameterizedTest
  @ValueSource(
      strings = {
        "bogus",
        "ps --nope",
        "run",
        "stop",
        "exec c",
        "run -p 70000 x",
        "run -p 0:99999 x",
        "run -v a:b x",
        "run --restart on x",
        "run -m 1x x",
        "run --network a --network b x",
        "run -w rel x",
        "run --stop-signal NOPE x",
        "logs --tail many c",
        "logs --since soon c",
        "inspect --type thing c",
        "--config",
        "--nope ps",
        "--timeout soon ps",
        "--connect-timeout 1x ps",
        "tasks exec only-an-id",
        "content ingest --expected-digest md5:x ref",
        "login nohost -u me --password-stdin",
        "ps --format {{range}}",
        "network"
      })
  void aWrongLineIsOneLineAnd125(String line) {
    assertEquals(125, berth(line.split(" ", -1)), line);
    assertEquals("", out());
    if (!line.equals("network")) {
      assertEquals(1, err().lines().count(), err());
    }
    assertTrue(asked.isEmpty() || line.startsWith("ps"), () -> line + " asked " + asked);
  }

  @Test
  void aMissingConfigurationIsOneLine() {
    assertEquals(1, berth("--config", "/nonexistent/berth.toml", "ps"));
    assertEquals(1, err().lines().count(), err());
    assertTrue(err().contains("/nonexistent/berth.toml"), err());
  }

  @Test
  void hints() {
    assertEquals(125, berth("run", "--nmae", "x", "busybox"));
    assertTrue(err().contains("did you mean `--name`?"), err());
    assertEquals(125, berth("imges"));
    assertTrue(err().contains("did you mean `images`?"), err());
  }

  // Row DN-29.
  @Test // Row D01-70.
  void help() {
    assertEquals(0, berth());
    assertTrue(out().contains("make a container and run it"), out());
    assertEquals(0, berth("help", "logs"));
    assertTrue(out().contains("--follow"), out());
    assertEquals("", err());
  }

  @Test
  void everyVerbHasHelp() {
    for (String verb : Verbs.names()) {
      assertEquals(0, berth(verb, "--help"), verb);
    }
    assertEquals("", err());
  }

  // Row DC-06.
  @Test
  void runsInTheBackground() {
    assertEquals(
        0,
        berth(
            "run", "-d", "--name", "web", "-e", "A", "-p", "8080:80", "busybox", "sh", "-c", "x"));
    assertEquals("0123\n", out());
    assertEquals(List.of("prepare busybox", "create web", "start 0123"), asked);
    assertEquals(List.of("sh", "-c", "x"), created.getConfig().getCmdList());
    assertEquals(List.of("A=own"), created.getConfig().getEnvList());
    assertEquals("docker.io/library/busybox:latest", created.getImage());
    assertEquals(created.getId(), created.getSnapshotKey());
    assertEquals(8080, created.getNetwork().getPorts(0).getHostPort());
  }

  @Test // Rows MB-109, MB-110: an empty entrypoint is one.
  void anEmptyEntrypointIsTold() {
    assertEquals(0, berth("create", "--entrypoint", "", "busybox", "true"));
    assertTrue(created.getConfig().getEntrypointSet());
    assertEquals(0, created.getConfig().getEntrypointCount());
  }

  @Test
  void pullsWhatIsMissing() {
    imageIsHere.set(false);
    assertEquals(0, berth("create", "busybox"));
    assertEquals(List.of("prepare busybox", "pull busybox", "prepare busybox", "create "), asked);
    assertEquals("0123\n", out());
    assertTrue(err().contains("layer: downloading"), err());
  }

  @Test
  void neverPullsWhenTold() {
    imageIsHere.set(false);
    assertEquals(125, berth("create", "--pull", "never", "busybox"));
    assertEquals(List.of("prepare busybox"), asked);
    assertEquals("berth: image `busybox`: none\n", err());
  }

  // Rows MB-102, RK-41.
  @Test
  void aFailedCreateTakesTheRootFileSystemBack() {
    createFails.set(true);
    assertEquals(125, berth("create", "--name", "taken", "busybox"));
    assertEquals(List.of("prepare busybox", "create taken", "remove rootfs"), asked);
    assertEquals("berth: name `taken`: is in use\n", err());
    assertEquals("", out());
  }

  @Test // Rows D01-01, D01-04, D01-10: all are tried, each failure has its line.
  void severalContainers() {
    assertEquals(1, berth("stop", "-t", "3", "a", "nope", "b"));
    assertEquals("a\nb\n", out());
    assertEquals("berth: No such container: nope\n", err());
    assertEquals(List.of("stop a 3", "stop nope 3", "stop b 3"), asked);
  }

  @Test // Row D01-13.
  void waits() {
    assertEquals(0, berth("wait", "a"));
    assertEquals("7\n", out());
  }

  @Test // Row D01-42: each stream to its own.
  void logsKeepStreamsApart() {
    assertEquals(0, berth("logs", "a"));
    assertEquals("one\npart", out());
    assertEquals("two\n", err());
  }

  @Test // Rows D01-20, D01-21.
  void lists() {
    assertEquals(0, berth("ps", "--format", "{{.Names}} {{.Image}} {{.Command}}"));
    assertEquals("web busybox \"sh -c 'x y'\"\n", out());
    out.reset();
    assertEquals(0, berth("ps", "-aq", "-notrunc"));
    assertEquals("0123456789abcdef\n", out());
  }

  @Test // Rows D01-28, D01-29.
  void inspects() {
    assertEquals(0, berth("inspect", "-f", "{{.Name}}", "web"));
    assertEquals("/web\n", out());
    out.reset();
    assertEquals(0, berth("inspect", "-f", "{{.Id}}", "busybox"));
    assertEquals("sha256:1\n", out());
    out.reset();
    assertEquals(1, berth("inspect", "-f", "{{.Id}}", "nope"));
    assertEquals("", out());
    assertEquals("berth: No such container or image: nope\n", err());
  }

  // Rows D01-89, DN-32.
  @Test
  void loadsWhatIsLargerThanAMessage() {
    input = new byte[5 << 20];
    assertEquals(0, berth("load"));
    assertEquals("Loaded image: busybox:latest\n", out());
    assertEquals(List.of("loaded " + (5 << 20)), asked);
  }

  @Test
  void whatAServiceCannotReachIsNotTheService() {
    imageIsHere.set(false);
    assertEquals(125, berth("run", "unreachable", "true"));
    assertTrue(err().endsWith("\nberth: fetch `unreachable`: connection refused\n"), err());
  }

  // Rows DN-07, DC-13.
  @Test
  void aMissingServiceIsNamed() {
    channels = Map.of();
    assertEquals(1, berth("ps"));
    assertEquals("berth: connect to `containerd`: none\n", err());
  }

  private static final Image BUSYBOX =
      Image.newBuilder().setId("sha256:1").addNames("docker.io/library/busybox:latest").build();

  private final class Containers extends ContainersGrpc.ContainersImplBase {
    private static final Container WEB =
        Container.newBuilder()
            .setId("0123456789abcdef")
            .setName("web")
            .setImage("docker.io/library/busybox:latest")
            .setConfig(
                io.berth.api.berth.container.v1.Config.newBuilder().setImage("busybox").build())
            .setPath("sh")
            .addArgs("-c")
            .addArgs("x y")
            .build();

    @Override
    public void create(CreateRequest request, StreamObserver<CreateResponse> responses) {
      Calls.answer(
          responses,
          () -> {
            asked.add("create " + request.getName());
            created = request;
            if (createFails.get()) {
              throw new BerthException.AlreadyExists("name `taken`: is in use");
            }
            return CreateResponse.newBuilder().setId("0123").build();
          });
    }

    @Override
    public void start(StartRequest request, StreamObserver<StartResponse> responses) {
      asked.add("start " + request.getRef());
      Calls.answer(responses, () -> StartResponse.getDefaultInstance());
    }

    @Override
    public void stop(StopRequest request, StreamObserver<StopResponse> responses) {
      asked.add("stop " + request.getRef() + " " + request.getTimeout());
      Calls.answer(
          responses,
          () -> {
            if (request.getRef().equals("nope")) {
              throw new BerthException.NotFound("No such container: nope");
            }
            return StopResponse.getDefaultInstance();
          });
    }

    @Override
    public void wait(WaitRequest request, StreamObserver<WaitResponse> responses) {
      Calls.answer(responses, () -> WaitResponse.newBuilder().setStatus(7).build());
    }

    @Override
    public void get(GetRequest request, StreamObserver<Container> responses) {
      Calls.answer(
          responses,
          () -> {
            if (!request.getRef().equals("web")) {
              throw new BerthException.NotFound("No such container: " + request.getRef());
            }
            return WEB;
          });
    }

    @Override
    public void list(ListRequest request, StreamObserver<ListResponse> responses) {
      asked.add("list");
      Calls.answer(responses, () -> ListResponse.newBuilder().addContainers(WEB).build());
    }

    @Override
    public void logs(LogsRequest request, StreamObserver<LogRecord> responses) {
      responses.onNext(record("one", /* stderr= */ false, /* partial= */ false));
      responses.onNext(record("two", /* stderr= */ true, /* partial= */ false));
      responses.onNext(record("part", /* stderr= */ false, /* partial= */ true));
      responses.onCompleted();
    }

    private static LogRecord record(String line, boolean stderr, boolean partial) {
      return LogRecord.newBuilder()
          .setLine(com.google.protobuf.ByteString.copyFromUtf8(line))
          .setStderr(stderr)
          .setPartial(partial)
          .build();
    }
  }

  private final class Images extends ImagesGrpc.ImagesImplBase {
    @Override
    public void resolve(ResolveRequest request, StreamObserver<Image> responses) {
      Calls.answer(
          responses,
          () -> {
            if (!request.getRef().equals("busybox")) {
              throw new BerthException.NotFound("image `" + request.getRef() + "`: none");
            }
            return BUSYBOX;
          });
    }

    @Override
    public void pull(PullRequest request, StreamObserver<Progress> responses) {
      asked.add("pull " + request.getRef());
      if (request.getRef().equals("unreachable")) {
        responses.onError(
            ErrorCodec.toStatus(
                    new BerthException.Unavailable("fetch `unreachable`: connection refused"))
                .asRuntimeException());
        return;
      }
      imageIsHere.set(true);
      responses.onNext(Progress.newBuilder().setId("layer").setStatus("downloading").build());
      responses.onNext(Progress.newBuilder().setImage(BUSYBOX).build());
      responses.onCompleted();
    }

    @Override
    public StreamObserver<LoadRequest> load(StreamObserver<Progress> responses) {
      return new StreamObserver<>() {
        private long bytes;

        @Override
        public void onNext(LoadRequest part) {
          bytes += part.getData().size();
        }

        @Override
        public void onError(Throwable failure) {
          asked.add(ErrorCodec.fromCall(failure).getMessage());
        }

        @Override
        public void onCompleted() {
          asked.add("loaded " + bytes);
          responses.onNext(Progress.newBuilder().setImage(BUSYBOX).build());
          responses.onCompleted();
        }
      };
    }
  }

  private final class Rootfs extends RootfsGrpc.RootfsImplBase {
    @Override
    public void prepare(PrepareRequest request, StreamObserver<PrepareResponse> responses) {
      asked.add("prepare " + request.getRef());
      Calls.answer(
          responses,
          () -> {
            if (!imageIsHere.get()) {
              throw new BerthException.NotFound("image `" + request.getRef() + "`: none");
            }
            return PrepareResponse.newBuilder()
                .setImage(BUSYBOX)
                .setSnapshotter("overlayfs")
                .build();
          });
    }

    @Override
    public void remove(
        RemoveRootfsRequest request, StreamObserver<com.google.protobuf.Empty> responses) {
      asked.add("remove rootfs");
      Calls.answer(responses, () -> com.google.protobuf.Empty.getDefaultInstance());
    }
  }
}
