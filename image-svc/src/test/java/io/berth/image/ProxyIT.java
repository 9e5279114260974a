package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.base.rpc.UnixChannel;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Registries behind a proxy; their names have no address but there. */
@Tag("root")
// case I5
final class ProxyIT {
  private static final String LOGIN =
      "Basic " + Base64.getEncoder().encodeToString("me:pw".getBytes(StandardCharsets.UTF_8));

  @RegisterExtension
  final ServiceExtension service = new ServiceExtension("[image]\nregistries = \"@/hosts\"\n");

  @TempDir Path folder;
  private final Archives.Image image;

  ProxyIT() throws IOException {
    image = Archives.image("sh", StreamedPullIT.noise(1));
  }

  private static String pull(ManagedChannel channel, PullRequest.Builder request) {
    List<Progress> steps = new ArrayList<>();
    UnixChannel.in(ImagesGrpc.newBlockingStub(channel), "default", null)
        .pull(request.build())
        .forEachRemaining(steps::add);
    return steps.getLast().getImage().getId();
  }

  private void settings(String domain, String text) throws Exception {
    Path hosts = Files.createDirectories(service.folder().resolve("hosts"));
    Files.writeString(hosts.resolve(domain + ".toml"), text);
  }

  /** A proxy that makes tunnels to one port, whatever it is asked for, for who knows a password. */
  private static final class Tunnels implements AutoCloseable {
    final List<String> asked = new CopyOnWriteArrayList<>();
    private final ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    private final int target;

    Tunnels(int target) throws IOException {
      this.target = target;
      Thread.ofVirtual().start(this::serve);
    }

    private void serve() {
      while (!server.isClosed()) {
        try {
          Socket client = server.accept();
          Thread.ofVirtual().start(() -> tunnel(client));
        } catch (IOException e) {
          // The test has closed the server.
        }
      }
    }

    private void tunnel(Socket client) {
      try (client) {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
          int next = client.getInputStream().read();
          if (next < 0) {
            return;
          }
          head.append((char) next);
        }
        asked.add(head.substring(0, head.indexOf("\r\n")));
        OutputStream out = client.getOutputStream();
        if (!head.toString().contains("Proxy-Authorization: " + LOGIN)) {
          out.write(
              "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
          return;
        }
        out.write("HTTP/1.1 200 Yes\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        try (Socket registry = new Socket(InetAddress.getLoopbackAddress(), target)) {
          Thread back = Thread.ofVirtual().start(() -> copy(registry, client));
          copy(client, registry);
          back.join();
        }
      } catch (IOException | InterruptedException e) {
        // One of the two has gone.
      }
    }

    private static void copy(Socket from, Socket to) {
      try {
        from.getInputStream().transferTo(to.getOutputStream());
        to.shutdownOutput();
      } catch (IOException e) {
        // One of the two has gone.
      }
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }

  @Test
  void registryWithAProxyOfItsOwn_isAskedThroughIt() throws Exception {
    List<String> logins = new CopyOnWriteArrayList<>();
    try (FakeRegistry proxy = FakeRegistry.plain().image("1", image)) {
      proxy.gate((exchange, _) -> {
        logins.add(String.valueOf(exchange.getRequestHeaders().getFirst("Proxy-Authorization")));
        return !exchange.getRequestURI().toString().startsWith("http://registry.invalid:5000/v2/");
      });
      settings(
          "registry.invalid:5000",
          "plain_http = true\nproxy = \"http://me:pw@127.0.0.1:" + proxy.port() + "\"\n");
      assertEquals(
          image.config().digest(),
          pull(service.channel(), PullRequest.newBuilder().setRef("registry.invalid:5000/x:1")));
      assertEquals(List.of(LOGIN), logins.stream().distinct().toList());
    }
  }

  @Test
  void registryWithTls_isAskedThroughATunnel() throws Exception {
    try (FakeRegistry registry = FakeRegistry.encrypted(folder).image("1", image);
        Tunnels proxy = new Tunnels(registry.port())) {
      String address = "127.0.0.1:" + proxy.server.getLocalPort();
      settings(
          "registry.invalid", "skip_verify = true\nproxy = \"http://me:pw@" + address + "\"\n");
      assertEquals(
          image.config().digest(),
          pull(service.channel(), PullRequest.newBuilder().setRef("registry.invalid/x:1")));
      assertEquals("CONNECT registry.invalid:443 HTTP/1.1", proxy.asked.getFirst());
      settings("registry.invalid", "skip_verify = true\nproxy = \"" + address + "\"\n");
      var e =
          assertThrows(
              StatusRuntimeException.class,
              () ->
                  pull(service.channel(), PullRequest.newBuilder().setRef("registry.invalid/x:1")));
      String message = String.valueOf(e.getMessage());
      assertTrue(message.startsWith("UNAUTHENTICATED: "), message);
      assertTrue(
          message.contains(" through the proxy " + address + ": the proxy wants a login;"),
          message);
    }
  }

  /** The service's own environment; what is excepted there is asked by the straight way. */
  @Test
  void environmentOfTheService_namesTheProxy() throws Exception {
    try (FakeRegistry proxy = FakeRegistry.plain().image("1", image);
        FakeRegistry straight = FakeRegistry.plain().image("1", image)) {
      Map<String, String> environment =
          Map.of("HTTP_PROXY", "127.0.0.1:" + proxy.port(), "NO_PROXY", "elsewhere.example");
      try (ServiceProcess process = new ServiceProcess(folder.resolve("own"), environment)) {
        PullRequest.Builder request = PullRequest.newBuilder().setPlainHttp(true);
        assertEquals(
            image.config().digest(),
            pull(process.channel(), request.setRef("registry.invalid:5000/x:1")));
        assertTrue(proxy.requests("GET /v2/x/").size() > 1);
        int before = proxy.requests("").size();
        var _ = pull(process.channel(), request.setRef(straight.ref("1")));
        assertEquals(before, proxy.requests("").size());
      }
    }
  }
}
