package io.berth.image.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.oci.image.ImageReference;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Shows what is told of a server that TLS fails with, by the bytes that it answers. */
final class TlsProbeTest {
  /**
   * The alert "internal_error" (RFC 8446, 6), which belongs to TLS and is no failure of the
   * handshake.
   */
  private static final byte[] ALERT = {21, 3, 3, 0, 2, 2, 80};

  private static final byte[] PLAIN =
      "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
          .getBytes(StandardCharsets.US_ASCII);

  /** Answers the first bytes of each connection with the same ones, and closes it. */
  private static final class Answering implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());

    Answering(byte[] answer) throws IOException {
      Thread.ofVirtual()
          .start(() -> {
            while (!server.isClosed()) {
              try (Socket socket = server.accept()) {
                if (socket.getInputStream().read(new byte[1024]) > 0) {
                  socket.getOutputStream().write(answer);
                }
              } catch (IOException e) {
                // The client has gone, or the test has closed the server.
              }
            }
          });
    }

    int port() {
      return server.getLocalPort();
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }

  private static String failure(int port) {
    String domain = "127.0.0.1:" + port;
    Host host =
        new Host(
            "https://" + domain + "/v2",
            EnumSet.allOf(Host.Ability.class),
            Access.PLAIN.with(Trust.MACHINE.ofAnybody()),
            /* tlsMaybe= */ false);
    Registry registry =
        Registry.of(
            new HttpClients(new RegistryTransfer.Limits(1, 1, Duration.ofSeconds(60))),
            ImageReference.of(domain + "/x:1"),
            new RegistryHosts.Route(domain, List.of(host)));
    return String.valueOf(
        assertThrows(IOException.class, () -> registry.manifest("1")).getMessage());
  }

  @Test
  void plainServer_isToldAsOneWithoutTls() throws Exception {
    try (Answering server = new Answering(PLAIN)) {
      assertTrue(TlsProbe.answersWithoutTls("127.0.0.1", server.port()));
      assertEquals(
          "fetch manifest of `127.0.0.1:"
              + server.port()
              + "/x:1`: https://127.0.0.1:"
              + server.port()
              + " speaks no TLS; list it in `image.insecure_registries`, or ask for plain HTTP",
          failure(server.port()));
    }
  }

  @Test
  void serverWhoseTlsFails_isNotToldAsOneWithoutTls() throws Exception {
    try (Answering server = new Answering(ALERT)) {
      assertFalse(TlsProbe.answersWithoutTls("127.0.0.1", server.port()));
      String message = failure(server.port());
      assertTrue(message.contains(": connect to https://127.0.0.1:" + server.port()), message);
    }
  }

  @Test
  void serverThatSaysNothing_isNotToldAsOneWithoutTls() throws Exception {
    try (Answering server = new Answering(new byte[0])) {
      assertFalse(TlsProbe.answersWithoutTls("127.0.0.1", server.port()));
    }
  }
}
