package io.berth.image.registry;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Arrays;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;

/** Finds out whether a server speaks TLS. */
final class TlsProbe {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** The content types of TLS records: change_cipher_spec to application_data (RFC 8446, 5.1). */
  private static final int FIRST_TYPE = 20;

  private static final int LAST_TYPE = 23;

  private static final byte[] END = "\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private TlsProbe() {}

  /**
   * Whether a server answers the first message of TLS with something that is none of TLS, as a
   * server of plain HTTP does. False as well for one that does not answer. Blocks for at most ten
   * seconds; nothing of the caller's goes over the connection.
   */
  static boolean answersWithoutTls(String host, int port) {
    int type = answer(host, port);
    return type >= 0 && !isTls(type);
  }

  /** Whether a server answers the first message of TLS with one of TLS; blocks as the other. */
  static boolean answersWithTls(String host, int port) {
    return isTls(answer(host, port));
  }

  private static boolean isTls(int type) {
    return type >= FIRST_TYPE && type <= LAST_TYPE;
  }

  /** The first byte of the answer; -1 without any. */
  private static int answer(String host, int port) {
    try (Socket socket = new Socket()) {
      int patience = Math.toIntExact(PATIENCE.toMillis());
      socket.connect(new InetSocketAddress(bare(host), port), patience);
      socket.setSoTimeout(patience);
      byte[] hello = clientHello();
      // The empty line ends what a server of plain HTTP takes for a request, so that it answers. A
      // server of TLS has answered when it comes to it.
      byte[] all = Arrays.copyOf(hello, hello.length + END.length);
      System.arraycopy(END, 0, all, hello.length, END.length);
      socket.getOutputStream().write(all);
      return socket.getInputStream().read();
    } catch (IOException | GeneralSecurityException e) {
      return -1;
    }
  }

  /** A host without the brackets around an IPv6 address. */
  private static String bare(String host) {
    return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
  }

  private static byte[] clientHello() throws IOException, GeneralSecurityException {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, null, null);
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(true);
    ByteBuffer record = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    var _ = engine.wrap(ByteBuffer.allocate(0), record);
    byte[] bytes = new byte[record.flip().remaining()];
    record.get(bytes);
    return bytes;
  }
}
