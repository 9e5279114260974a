package io.berth.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.protobuf.Empty;
import io.berth.api.berth.container.v1.PortBinding;
import io.berth.api.berth.network.v1.AttachRequest;
import io.berth.api.berth.network.v1.DetachRequest;
import io.berth.api.berth.network.v1.Endpoint;
import io.berth.api.berth.network.v1.EndpointsGrpc;
import io.berth.api.berth.network.v1.GetEndpointRequest;
import io.berth.api.berth.network.v1.GetNetworkRequest;
import io.berth.api.berth.network.v1.ListEndpointsRequest;
import io.berth.api.berth.network.v1.ListNetworksRequest;
import io.berth.api.berth.network.v1.Network;
import io.berth.api.berth.network.v1.NetworksGrpc;
import io.berth.api.berth.network.v1.RemoveNetworkRequest;
import io.berth.base.rpc.UnixChannel;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.PortSocket;
import io.berth.linux.net.PortSocket.Protocol;
import io.berth.testing.Eventually;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The service as it runs: a process, its socket, its keeper; and its sudden death. */
@Tag("root")
final class ServiceIT {
  @TempDir Path folder;
  private TestHost host;
  private ServiceProcess service;

  @BeforeEach
  void makeHost() throws Exception {
    host = new TestHost(folder);
    service = new ServiceProcess(host);
    service.start();
  }

  @AfterEach
  void removeHost() throws Exception {
    try {
      service.removeAll();
      assertEquals(Set.of(), Set.copyOf(leftoversWithoutOurPin()));
    } finally {
      service.close();
      host.close();
    }
  }

  private Set<String> leftoversWithoutOurPin() throws IOException {
    Set<String> left = host.leftovers();
    left.removeIf(line -> line.contains(folder.resolve("host").toString()));
    return left;
  }

  private EndpointsGrpc.EndpointsBlockingStub endpoints() {
    return UnixChannel.in(
        EndpointsGrpc.newBlockingStub(service.channel()).withDeadlineAfter(20, TimeUnit.SECONDS),
        "default",
        null);
  }

  private static AttachRequest.Builder attach(String container, int port) {
    return AttachRequest.newBuilder()
        .setContainer(container)
        .addPorts(
            PortBinding.newBuilder().setHostPort(port).setContainerPort(80).setProtocol("tcp"));
  }

  private static void refused(Status.Code code, String start, Runnable call) {
    StatusRuntimeException refused = assertThrows(StatusRuntimeException.class, call::run);
    assertEquals(code, refused.getStatus().getCode(), refused.getMessage());
    assertTrue(
        String.valueOf(refused.getStatus().getDescription()).startsWith(start),
        refused.getMessage());
    assertFalse(refused.getMessage().contains("\n"));
  }

  private Network network(String ref) {
    return NetworksGrpc.newBlockingStub(service.channel())
        .get(GetNetworkRequest.newBuilder().setRef(ref).build());
  }

  @Test
  void wire_answersWhatItPromises() throws Exception {
    String bridge = network("bridge").getId();
    Endpoint endpoint = endpoints().attach(attach("web", 8080).setName("w").build());
    assertEquals(bridge, endpoint.getNetworkId());
    assertEquals("bridge", endpoint.getNetwork());
    assertEquals("eth0", endpoint.getInterface());
    assertEquals("default", endpoint.getNamespace());
    assertEquals(24, endpoint.getPrefixLength());
    assertEquals(8080, endpoint.getPorts(0).getHostPort());
    assertEquals("0.0.0.0", endpoint.getPorts(0).getHostIp());
    assertEquals(endpoint, endpoints().attach(attach("web", 8080).setName("w").build()));
    assertEquals(
        endpoint, endpoints().get(GetEndpointRequest.newBuilder().setContainer("web").build()));
    assertEquals(
        1,
        endpoints()
            .list(ListEndpointsRequest.newBuilder().setNetwork("bridge").build())
            .getEndpointsCount());
    try (NetworkNamespace netns = NetworkNamespace.open(Path.of(endpoint.getNetns()));
        AutoCloseable _ = Traffic.echo(netns, 80)) {
      assertEquals(
          TestHost.OTHER_MACHINE.toString(),
          Traffic.tcp(host.lan, TestHost.ADDRESS.toString(), 8080));
    }
    assertTrue(
        endpoints().stats(GetEndpointRequest.newBuilder().setContainer("web").build()).getRxBytes()
            > 0);
    assertEquals(1, endpoints().info(Empty.getDefaultInstance()).getPorts());
    assertEquals(
        Set.of("bridge", "host", "none"),
        Set.copyOf(
            NetworksGrpc.newBlockingStub(service.channel())
                .list(ListNetworksRequest.getDefaultInstance())
                .getNetworksList()
                .stream()
                .map(Network::getName)
                .toList()));
    for (String name : List.of("bridge", "host", "none")) {
      String id = network(name).getId();
      assertEquals(name, network(id.substring(0, 10)).getName());
      refused(
          Status.Code.FAILED_PRECONDITION,
          "remove network `" + id,
          () ->
              NetworksGrpc.newBlockingStub(service.channel())
                  .remove(RemoveNetworkRequest.newBuilder().setRef(id).build()));
    }
    endpoints().detach(DetachRequest.newBuilder().setContainer("web").build());
    endpoints().detach(DetachRequest.newBuilder().setContainer("web").build());
    refused(
        Status.Code.NOT_FOUND,
        "endpoint of container `web`",
        () -> endpoints().get(GetEndpointRequest.newBuilder().setContainer("web").build()));
  }

  @Test
  void theFirstAddressIsTheBridges() throws Exception {
    Endpoint endpoint = endpoints().attach(attach("web", 8080).build());
    String subnet = endpoint.getAddress().substring(0, endpoint.getAddress().lastIndexOf('.'));
    assertEquals(subnet + ".1", endpoint.getGateway());
    List<String> addresses =
        host.host.call(() ->
            NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .map(InetAddress::getHostAddress)
                .toList());
    assertTrue(addresses.contains(subnet + ".1"), addresses::toString);
  }

  /** Without CAP_NET_ADMIN the service answers, and says what it lacks. */
  @Test
  void withoutThePacketFilter_itSaysThatItIsNotReady() throws Exception {
    assertEquals(ServingStatus.SERVING, health());
    service.kill();
    service.startUnder("setpriv", "--bounding-set=-net_admin");
    assertEquals(ServingStatus.NOT_SERVING, health());
    assertTrue(service.log().contains("the network is not ready: "), service.log());
    assertTrue(service.log().contains("nf_tables"), service.log());
    // What can be answered still is.
    assertEquals(
        0, endpoints().list(ListEndpointsRequest.getDefaultInstance()).getEndpointsCount());
    service.kill();
    service.start();
    assertEquals(ServingStatus.SERVING, health());
  }

  private ServingStatus health() {
    return HealthGrpc.newBlockingStub(service.channel())
        .check(HealthCheckRequest.getDefaultInstance())
        .getStatus();
  }

  @Test
  void badInput_isRefusedInOneLineAndChangesNothing() throws Exception {
    String taken = endpoints().attach(attach("web", 8080).build()).getAddress();
    refused(
        Status.Code.FAILED_PRECONDITION,
        "address `" + taken + "`: in use by container `web`",
        () -> endpoints().attach(attach("other", 1).setAddress(taken).build()));
    refused(
        Status.Code.FAILED_PRECONDITION,
        "publish `0.0.0.0:8080/tcp`: port is taken by container `web`",
        () -> endpoints().attach(attach("other", 8080).build()));
    refused(
        Status.Code.INVALID_ARGUMENT,
        "publish host port 70000: ports are 1 to 65535",
        () -> endpoints().attach(attach("other", 70000).build()));
    refused(
        Status.Code.INVALID_ARGUMENT,
        "publish host port 2147483647: ports are",
        () -> endpoints().attach(attach("other", -1).build()));
    refused(
        Status.Code.NOT_FOUND,
        "network `nowhere`: no such network",
        () -> endpoints().attach(attach("other", 1).setNetwork("nowhere").build()));
    refused(
        Status.Code.INVALID_ARGUMENT,
        "attach netns `/etc/passwd`: not a network namespace",
        () -> endpoints().attach(attach("other", 1).setNetns("/etc/passwd").build()));
    refused(
        Status.Code.INVALID_ARGUMENT,
        "netns `relative`: not an absolute path",
        () -> endpoints().attach(attach("other", 1).setNetns("relative").build()));
    refused(
        Status.Code.INVALID_ARGUMENT,
        "address `1.2.3`: not an IPv4 address",
        () -> endpoints().attach(attach("other", 1).setAddress("1.2.3").build()));
    refused(Status.Code.INVALID_ARGUMENT, "", () -> endpoints().attach(attach("../x", 1).build()));
    refused(
        Status.Code.FAILED_PRECONDITION,
        "namespace is required",
        () -> EndpointsGrpc.newBlockingStub(service.channel()).attach(attach("other", 1).build()));
    refused(
        Status.Code.FAILED_PRECONDITION,
        "remove network `bridge`",
        () -> {
          var _ =
              NetworksGrpc.newBlockingStub(service.channel())
                  .remove(RemoveNetworkRequest.newBuilder().setRef("bridge").build());
        });
    assertEquals(
        1, endpoints().list(ListEndpointsRequest.getDefaultInstance()).getEndpointsCount());
    assertEquals(1, endpoints().info(Empty.getDefaultInstance()).getPorts());
    assertEquals(49153, endpoints().attach(attach("any", 0).build()).getPorts(0).getHostPort());
  }

  @Test
  void killedUnderATransfer_losesNothing() throws Exception {
    Endpoint web = endpoints().attach(attach("web", 8080).build());
    AtomicLong received = new AtomicLong();
    AtomicBoolean stop = new AtomicBoolean();
    try (NetworkNamespace netns = NetworkNamespace.open(Path.of(web.getNetns()));
        ServerSocket server = netns.call(() -> new ServerSocket(80));
        Socket client =
            host.lan.call(() -> {
              Socket made = new Socket();
              made.bind(new InetSocketAddress("0.0.0.0", 0));
              return made;
            })) {
      client.connect(new InetSocketAddress(TestHost.ADDRESS.toString(), 8080), 3000);
      Socket accepted = server.accept();
      Thread sender = Thread.ofPlatform().daemon().start(() -> send(accepted, stop));
      Thread receiver = Thread.ofPlatform().daemon().start(() -> receive(client, received));
      for (int round = 0; round < 3; round++) {
        service.kill();
        if (ServiceProcess.hasKeeper()) {
          SyscallException held =
              assertThrows(
                  SyscallException.class,
                  () -> host.host.call(() -> PortSocket.hold(Protocol.TCP, Ipv4.ANY, 8080)));
          assertTrue(held.is(Errno.EADDRINUSE));
        }
        service.start();
        long before = received.get();
        Eventually.holds("bytes flow after round " + round, () -> received.get() > before);
        assertEquals(
            web, endpoints().get(GetEndpointRequest.newBuilder().setContainer("web").build()));
      }
      stop.set(true);
      sender.join(5000);
      receiver.join(5000);
      assertFalse(receiver.isAlive(), "the transfer came to its end");
    }
  }

  private static void send(Socket socket, AtomicBoolean stop) {
    try (socket;
        OutputStream out = socket.getOutputStream()) {
      byte[] block = new byte[8192];
      while (!stop.get()) {
        out.write(block);
        TimeUnit.MILLISECONDS.sleep(1);
      }
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void receive(Socket socket, AtomicLong received) {
    try (InputStream in = socket.getInputStream()) {
      byte[] block = new byte[8192];
      int count = in.read(block);
      while (count >= 0) {
        received.addAndGet(count);
        count = in.read(block);
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void killedKeeper_isReplacedAndHoldsAgain() throws Exception {
    assumeTrue(ServiceProcess.hasKeeper(), "the native half is not built");
    endpoints().attach(attach("a", 8080).build());
    long keeper =
        ProcessHandle.allProcesses()
            .filter(p -> commandLine(p.pid()).contains(folder + "/run/keeper.sock"))
            .mapToLong(ProcessHandle::pid)
            .findFirst()
            .orElseThrow();
    ProcessHandle handle = ProcessHandle.of(keeper).orElseThrow();
    handle.destroyForcibly();
    handle.onExit().get(10, TimeUnit.SECONDS);
    endpoints().attach(attach("b", 8081).build());
    for (int port : new int[] {8080, 8081}) {
      Eventually.holds("port " + port + " is held", () -> isHeld(port));
    }
  }

  private boolean isHeld(int port) throws IOException {
    try (Fd _ = host.host.call(() -> PortSocket.hold(Protocol.TCP, Ipv4.ANY, port))) {
      return false;
    } catch (SyscallException e) {
      return e.is(Errno.EADDRINUSE);
    }
  }

  private static String commandLine(long pid) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/cmdline"));
    } catch (IOException e) {
      return "";
    }
  }

  @Test
  void killedWhileContainersComeAndGo_leavesNothing() throws Exception {
    for (int round = 0; round < 4; round++) {
      int number = round;
      Thread busy = Thread.ofPlatform().daemon().start(() -> comeAndGo(number));
      TimeUnit.MILLISECONDS.sleep(150 + 60L * round);
      service.kill();
      busy.join();
      service.start();
    }
    for (Endpoint endpoint :
        endpoints().list(ListEndpointsRequest.getDefaultInstance()).getEndpointsList()) {
      try (NetworkNamespace netns = NetworkNamespace.open(Path.of(endpoint.getNetns()));
          AutoCloseable _ = Traffic.echo(netns, 80)) {
        assertEquals(
            TestHost.OTHER_MACHINE.toString(),
            Traffic.tcp(host.lan, TestHost.ADDRESS.toString(), endpoint.getPorts(0).getHostPort()));
      }
      endpoints().detach(DetachRequest.newBuilder().setContainer(endpoint.getContainer()).build());
    }
    assertEquals(0, endpoints().info(Empty.getDefaultInstance()).getPorts());
  }

  private void comeAndGo(int round) {
    try {
      for (int i = 0; ; i++) {
        var _ = endpoints().attach(attach("r" + round + "c" + i, 0).build());
        if (i % 3 != 0) {
          var _ =
              endpoints()
                  .detach(DetachRequest.newBuilder().setContainer("r" + round + "c" + i).build());
        }
      }
    } catch (StatusRuntimeException e) {
      // The service is dead: so it was meant.
      if (e.getStatus().getCode() != Status.Code.UNAVAILABLE) {
        throw e;
      }
    }
  }
}
