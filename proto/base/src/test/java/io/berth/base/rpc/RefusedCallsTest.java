package io.berth.base.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Empty;
import io.berth.api.containerd.services.version.v1.VersionGrpc;
import io.berth.api.containerd.services.version.v1.VersionResponse;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

// case S11
@Timeout(60)
final class RefusedCallsTest {
  private static final int MOST = 1_000_000;
  private static final int HEADERS = 1;
  private static final int RST_STREAM = 3;
  private static final int SETTINGS = 4;
  private static final int END_HEADERS = 4;

  @TempDir Path folder;
  @RegisterExtension final OpenSockets sockets = new OpenSockets();

  /** Answers to nobody. */
  private static final class Silent extends VersionGrpc.VersionImplBase {
    @Override
    public void version(Empty request, StreamObserver<VersionResponse> responses) {}
  }

  private SocketChannel client() throws Exception {
    Path socket = folder.resolve("s.sock");
    sockets.add(
        UnixServer.start(
            sockets.loops(),
            UnixServer.Options.of(socket, List.of(new Silent().bindService()))
                .withBounds(new ClientBounds(1 << 20, 64 << 20, 100, 100, 100, 4, false)),
            List.of()));
    SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket));
    sockets.add(client);
    send(client, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    send(client, frame(SETTINGS, 0, 0, new byte[0]));
    return client;
  }

  /** Its headers, and never the end of its stream; false if the server has gone. */
  private static boolean call(SocketChannel client, int number) throws IOException {
    return send(client, frame(HEADERS, END_HEADERS, 2 * number + 1, request()));
  }

  /** Streams that are answered are over, also where their client has not ended its side. */
  @Test
  void aCallThatWasRefusedEnds_thoughItsClientGoesOn() throws Exception {
    SocketChannel client = client();
    for (int i = 0; i < 5; i++) {
      assertTrue(call(client, i));
    }
    int[] frame = firstReset(client);
    // Whichever of the five came last to its place.
    assertTrue(List.of(1, 3, 5, 7, 9).contains(frame[1]), () -> "stream " + frame[1]);
    assertEquals(0, frame[2]);
  }

  private static int[] firstReset(SocketChannel client) throws IOException {
    while (true) {
      int[] frame = read(client);
      if (frame[0] == RST_STREAM) {
        return frame;
      }
    }
  }

  /** Type, stream and first number of the next frame. */
  private static int[] read(SocketChannel client) throws IOException {
    ByteBuffer head = whole(client, 9);
    int length = ((head.get() & 255) << 16) | (head.getShort() & 0xffff);
    int type = head.get();
    var _ = head.get();
    int stream = head.getInt();
    ByteBuffer payload = whole(client, length);
    return new int[] {type, stream, length < 4 ? 0 : payload.getInt()};
  }

  private static ByteBuffer whole(SocketChannel client, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    while (bytes.hasRemaining()) {
      if (client.read(bytes) < 0) {
        throw new IOException("the server has hung up");
      }
    }
    return bytes.flip();
  }

  /** Who takes no answers and makes ever more calls would fill the memory with refusals. */
  @Test
  void whoDoesNotTakeItsRefusalsIsHungUpOn() throws Exception {
    SocketChannel client = client();
    CompletableFuture<Integer> made =
        CompletableFuture.supplyAsync(() -> callOnAndOn(client))
            .orTimeout(Duration.ofSeconds(60).toMillis(), TimeUnit.MILLISECONDS);
    assertTrue(made.get() < MOST, "it goes on");
  }

  private static int callOnAndOn(SocketChannel client) {
    try {
      int made = 0;
      while (made < MOST && call(client, made)) {
        made++;
      }
      return made;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean send(SocketChannel client, byte[] bytes) {
    try {
      ByteBuffer all = ByteBuffer.wrap(bytes);
      while (all.hasRemaining()) {
        client.write(all);
      }
      return true;
    } catch (IOException gone) {
      return false;
    }
  }

  private static byte[] frame(int type, int flags, int stream, byte[] payload) {
    return ByteBuffer.allocate(9 + payload.length)
        .put((byte) (payload.length >> 16))
        .putShort((short) payload.length)
        .put((byte) type)
        .put((byte) flags)
        .putInt(stream)
        .put(payload)
        .array();
  }

  /** HPACK without a table (RFC 7541, 6.2.2). */
  private static byte[] request() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    String[] headers = {
      ":method",
      "POST",
      ":scheme",
      "http",
      ":path",
      "/containerd.services.version.v1.Version/Version",
      ":authority",
      "localhost",
      "content-type",
      "application/grpc",
      "te",
      "trailers",
      "containerd-namespace",
      "x"
    };
    for (int i = 0; i < headers.length; i += 2) {
      out.write(0);
      for (String word : List.of(headers[i], headers[i + 1])) {
        out.write(word.length());
        out.write(word.getBytes(StandardCharsets.US_ASCII));
      }
    }
    return out.toByteArray();
  }
}
