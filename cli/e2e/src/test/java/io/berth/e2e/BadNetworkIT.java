package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.container.v1.PortBinding;
import io.berth.api.berth.network.v1.AttachRequest;
import io.berth.api.berth.network.v1.EndpointsGrpc;
import io.berth.api.berth.network.v1.GetEndpointRequest;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.testing.Eventually;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Networks, ports and services that are not as the line says: one clear line, the right exit code,
 * and nothing is left on disk or on the host.
 */
@Tag("root")
final class BadNetworkIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final String IMAGE = "busybox:test";

  @SuppressWarnings("NullAway.Init")
  private static EventLoops loops;

  @SuppressWarnings("NullAway.Init")
  private static ManagedChannel channel;

  private Set<String> before = Set.of();

  @BeforeAll
  static void open() throws Exception {
    loops = new EventLoops(1);
    channel = UnixChannel.to(loops, berth.state().resolve("network.sock"));
    berth.berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
    // The bridge comes with the first container and stays.
    berth.berth("run", "--rm", "-p", "80", IMAGE, "true").exits(0);
  }

  @AfterAll
  static void close() {
    channel.shutdownNow();
    loops.close();
  }

  @BeforeEach
  void look() throws Exception {
    before = present();
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    Eventually.answers("is as before: " + before, () -> present(), before::equals);
  }

  /** Everything that a container makes. */
  private static Set<String> present() throws Exception {
    Set<String> names = new TreeSet<>();
    names.addAll(berth.berth("snapshots", "ls", "-q").exits(0).out().lines().toList());
    Path files = berth.dir().resolve("lib/containers/default");
    if (Files.isDirectory(files)) {
      try (Stream<Path> list = Files.list(files)) {
        list.map(Path::toString).forEach(names::add);
      }
    }
    // A service that warms up has tasks of its own in another namespace.
    try (Stream<Path> tasks = Files.list(berth.state().resolve("t"))) {
      for (Path task : tasks.toList()) {
        if (Files.exists(task.resolve("id"))
            && Files.readString(task.resolve("id")).startsWith("default\n")) {
          names.add(task.toString());
        }
      }
    }
    // The pool of ready endpoints may be of any size; a link of nobody's would be one too many.
    long links =
        Command.run("ip", "-o", "link", "show", "master", "br-" + berth.id()).out().lines().count();
    try (Stream<Path> pins = Files.list(berth.state().resolve("n"))) {
      names.add("links without a network namespace: " + (links - pins.count()));
    }
    names.add(
        "endpoints: "
            + berth.berth("network", "inspect", "-f", "{{.Endpoints}}", "bridge").exits(0).out());
    Command.run("nft", "list", "table", "inet", "berth_" + berth.id())
        .out()
        .lines()
        .filter(line -> line.contains("elements"))
        .forEach(names::add);
    names.addAll(berth.berth("ps", "-aq").exits(0).out().lines().toList());
    return names;
  }

  /** Fails with this code and one line; answers it. */
  private static Command refused(int exit, String... line) {
    Command command = berth.berth(line).exits(exit);
    assertEquals(1, command.err().lines().count(), command.err());
    assertTrue(command.err().startsWith("berth: "), command.err());
    assertFalse(command.err().contains("Exception"), command.err());
    assertEquals("", command.out());
    return command;
  }

  @Test // Another program's, found by a real bind, told by name.
  void aPortOfAnotherProgram() throws Exception {
    try (ServerSocket holder = new ServerSocket(0)) {
      String publish = holder.getLocalPort() + ":80";
      refused(125, "run", "--rm", "-p", publish, IMAGE, "true")
          .says(String.valueOf(holder.getLocalPort()))
          .says("taken by process " + ProcessHandle.current().pid() + " (java)");
      refused(125, "run", "-d", "--rm", "-p", publish, IMAGE, "true");
    }
  }

  @Test // As docker does, a container that is not to remove itself stays, created.
  void aPortOfAnotherContainer() {
    String port = String.valueOf(LocalRegistry.freePort());
    berth
        .berth("run", "-d", "--name", "holder", "-p", port + ":80", IMAGE, "sleep", "100")
        .exits(0);
    refused(125, "run", "-d", "--name", "late", "-p", port + ":80", IMAGE, "true")
        .says(port)
        .says("holder");
    berth.berth("ps", "-a", "--filter", "name=late").exits(0).says("Created").saysNo(port);
    berth.berth("rm", "late").exits(0);
    berth.berth("rm", "-f", "holder").exits(0);
  }

  @Test
  void portsThatCannotBe() {
    for (String publish : List.of("8080:0", "70000:80", "8080:70000", "-1:80", "x:80", "1-3:80")) {
      refused(125, "run", "--rm", "-p", publish, IMAGE, "true").says(publish);
    }
    refused(125, "run", "--rm", "-p", "80/icmp", IMAGE, "true").says("icmp");
    refused(125, "run", "--rm", "-p", "198.51.100.77:8080:80", IMAGE, "true").says("198.51.100.77");
    for (int port : List.of(0, 70_000, -1)) {
      StatusRuntimeException e =
          attachFails(
              AttachRequest.newBuilder()
                  .addPorts(
                      PortBinding.newBuilder()
                          .setHostPort(8080)
                          .setContainerPort(port)
                          .setProtocol("tcp")));
      assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode(), e.getMessage());
    }
  }

  @Test
  void aNameThatIsTaken() {
    berth.berth("create", "--name", "mine", IMAGE).exits(0);
    refused(125, "run", "-d", "--name", "mine", "-p", "80", IMAGE, "true").says("mine");
    berth.berth("rm", "mine").exits(0);
    berth.berth("network", "create", "mine").exits(0);
    refused(1, "network", "create", "--subnet", "198.18.240.0/24", "mine").says("mine");
    berth.berth("network", "rm", "mine").exits(0);
  }

  @Test
  void aNetworkThatIsNone() {
    refused(125, "run", "--rm", "--network", "nowhere", IMAGE, "true").says("nowhere");
    refused(1, "network", "inspect", "-f", "{{.Name}}", "nowhere").says("nowhere");
    refused(1, "network", "rm", "nowhere").says("nowhere");
    refused(1, "network", "create", "--subnet", "10.0.0.0/99", "bad").says("10.0.0.0/99");
    refused(1, "network", "rm", "bridge").says("bridge");
  }

  @Test
  void aNetworkNamespaceThatIsNone() throws Exception {
    Path file = Files.writeString(berth.folder("netns").resolve("file"), "");
    for (String path :
        List.of("/no/such/netns", file.toString(), "/proc/self/ns/mnt", "relative")) {
      StatusRuntimeException e = attachFails(AttachRequest.newBuilder().setNetns(path));
      assertTrue(
          Set.of(
                  Status.Code.INVALID_ARGUMENT,
                  Status.Code.NOT_FOUND,
                  Status.Code.FAILED_PRECONDITION)
              .contains(e.getStatus().getCode()),
          e.getMessage());
      assertTrue(String.valueOf(e.getMessage()).contains(path), e.getMessage());
    }
  }

  private static StatusRuntimeException attachFails(AttachRequest.Builder request) {
    EndpointsGrpc.EndpointsBlockingStub endpoints =
        UnixChannel.in(EndpointsGrpc.newBlockingStub(channel), "default", null);
    StatusRuntimeException e =
        assertThrows(
            StatusRuntimeException.class,
            () -> endpoints.attach(request.setContainer("bad").build()));
    assertFalse(String.valueOf(e.getStatus().getDescription()).contains("\n"), e.getMessage());
    StatusRuntimeException gone =
        assertThrows(
            StatusRuntimeException.class,
            () -> endpoints.get(GetEndpointRequest.newBuilder().setContainer("bad").build()));
    assertEquals(Status.Code.NOT_FOUND, gone.getStatus().getCode());
    return e;
  }

  @Test
  void aServiceThatIsNotThere() throws Exception {
    without(
        "network",
        () -> {
          refused(1, "network", "ls").says("network.sock").says("berth-network");
          refused(125, "run", "--rm", IMAGE, "true").says("network.sock");
          // What needs no network goes on.
          berth.berth("run", "--rm", "--network", "host", IMAGE, "true").exits(0);
        });
    without(
        "image",
        () -> {
          refused(1, "images").says("image.sock").says("berth-image");
          refused(125, "run", "--rm", IMAGE, "true").says("image.sock");
          berth.berth("ps", "-a").exits(0);
        });
    without(
        "containerd",
        () -> {
          refused(1, "ps").says("containerd.sock").says("berth-containerd");
          refused(125, "run", "--rm", IMAGE, "true").says("containerd.sock");
          berth.berth("images").exits(0);
          berth.berth("network", "ls").exits(0);
        });
  }

  private static void without(String service, Runnable work) throws Exception {
    berth.kill(service);
    try {
      work.run();
      Files.deleteIfExists(berth.state().resolve(service + ".sock"));
      work.run();
    } finally {
      berth.start(service);
      berth.awaitAnswer(service);
    }
  }
}
