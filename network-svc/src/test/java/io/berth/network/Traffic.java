package io.berth.network;

import io.berth.linux.net.NetworkNamespace;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Servers and clients inside network namespaces. A socket stays in the namespace of the thread that
 * made it, so it is made on a thread that is inside and used outside.
 */
final class Traffic {
  private static final int TIMEOUT_MILLIS = 3000;
  private static final int RETRY_MILLIS = 300;

  private Traffic() {}

  /** Answers each TCP connection and each datagram with the address that it saw, until closed. */
  static AutoCloseable echo(NetworkNamespace where, int port) throws IOException {
    ServerSocket tcp =
        where.call(() -> new ServerSocket(port, 200, InetAddress.getByName("0.0.0.0")));
    DatagramSocket udp =
        where.call(() -> new DatagramSocket(new InetSocketAddress("0.0.0.0", port)));
    AtomicBoolean closed = new AtomicBoolean();
    Thread acceptor =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              while (!closed.get()) {
                try (Socket connection = tcp.accept()) {
                  connection
                      .getOutputStream()
                      .write(
                          connection
                              .getInetAddress()
                              .getHostAddress()
                              .getBytes(StandardCharsets.US_ASCII));
                } catch (IOException e) {
                  // The client went away, or the server is closed.
                }
              }
            });
    Thread receiver =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              while (!closed.get()) {
                try {
                  DatagramPacket packet = new DatagramPacket(new byte[100], 100);
                  udp.receive(packet);
                  byte[] answer =
                      packet.getAddress().getHostAddress().getBytes(StandardCharsets.US_ASCII);
                  udp.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
                } catch (IOException e) {
                  // As above.
                }
              }
            });
    return () -> {
      closed.set(true);
      tcp.close();
      udp.close();
      // A port is free only when nobody is inside a call on its socket.
      acceptor.join();
      receiver.join();
    };
  }

  /** Connects and answers what the server saw as the client's address. */
  static String tcp(NetworkNamespace from, String to, int port) throws IOException {
    try (Socket socket = from.call(Traffic::unconnected)) {
      socket.connect(new InetSocketAddress(to, port), TIMEOUT_MILLIS);
      socket.setSoTimeout(TIMEOUT_MILLIS);
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    }
  }

  private static Socket unconnected() throws IOException {
    Socket socket = new Socket();
    // Makes the descriptor, which is otherwise made at connect, on another thread.
    socket.bind(new InetSocketAddress("0.0.0.0", 0));
    return socket;
  }

  /** The same by a datagram. */
  static String udp(NetworkNamespace from, String to, int port) throws IOException {
    try (DatagramSocket socket = datagrams(from)) {
      return ask(socket, to, port);
    }
  }

  /** A socket for datagrams whose own port stays the same. */
  static DatagramSocket datagrams(NetworkNamespace from) throws IOException {
    DatagramSocket socket =
        from.call(() -> new DatagramSocket(new InetSocketAddress("0.0.0.0", 0)));
    socket.setSoTimeout(RETRY_MILLIS);
    return socket;
  }

  /** Sends a datagram and does not wait. */
  static void send(DatagramSocket socket, String to, int port) throws IOException {
    socket.send(new DatagramPacket(new byte[] {1}, 1, InetAddress.getByName(to), port));
  }

  /** Sends datagrams until one is answered, as every protocol over UDP does. */
  static String ask(DatagramSocket socket, String to, int port) throws IOException {
    SocketTimeoutException last = new SocketTimeoutException();
    for (int i = 0; i < TIMEOUT_MILLIS / RETRY_MILLIS; i++) {
      send(socket, to, port);
      DatagramPacket answer = new DatagramPacket(new byte[100], 100);
      try {
        socket.receive(answer);
        return new String(answer.getData(), 0, answer.getLength(), StandardCharsets.US_ASCII);
      } catch (SocketTimeoutException e) {
        last = e;
      }
    }
    throw last;
  }
}
