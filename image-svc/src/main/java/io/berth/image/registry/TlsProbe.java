package io.berth.image.registry;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;

/** Finds out whether a server that TLS failed with speaks TLS at all. */
final class TlsProbe {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** The content types of TLS records: change_cipher_spec to application_data (RFC 8446, 5.1). */
  private static final int FIRST_TYPE = 20;

  private static final int LAST_TYPE = 23;

  private TlsProbe() {}

  /**
   * Whether a server answers the first message of TLS with something that is none of TLS, as a
   * server of plain HTTP does. False as well for one that does not answer. Blocks for at most ten
   * seconds; nothing of the caller's goes over the connection.
   */
  static boolean answersWithoutTls(String host, int port) {
    try (Socket socket = new Socket()) {
      int patience = Math.toIntExact(PATIENCE.toMillis());
      socket.connect(new InetSocketAddress(host, port), patience);
      socket.setSoTimeout(patience);
      socket.getOutputStream().write(clientHello());
      int type = socket.getInputStream().read();
      return type >= 0 && (type < FIRST_TYPE || type > LAST_TYPE);
    } catch (IOException | GeneralSecurityException e) {
      return false;
    }
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
