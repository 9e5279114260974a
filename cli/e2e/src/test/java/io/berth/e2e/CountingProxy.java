package io.berth.e2e;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A way to a loopback port that counts what comes back through it, and at a certain count does
 * something.
 */
final class CountingProxy implements AutoCloseable {
  private final ServerSocket server;
  private final int target;
  private final AtomicLong served = new AtomicLong();
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private volatile long limit = Long.MAX_VALUE;
  private volatile Runnable atLimit = () -> {};

  CountingProxy(int target) throws IOException {
    this.target = target;
    this.server = new ServerSocket(0, 64, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  int port() {
    return server.getLocalPort();
  }

  /** {@code 127.0.0.1:PORT/PATH}. */
  String ref(String path) {
    return "127.0.0.1:" + port() + "/" + path;
  }

  /** Bytes that came back since the last call. */
  long served() {
    return served.getAndSet(0);
  }

  /** Runs the action, once, when so many more bytes have come back; nothing passes meanwhile. */
  void at(long bytes, Runnable action) {
    atLimit = action;
    limit = served.get() + bytes;
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket client = server.accept();
        open.add(client);
        Socket there;
        try {
          there = new Socket(InetAddress.getLoopbackAddress(), target);
        } catch (IOException e) {
          // As if the client had asked there: a connection that ends at once.
          client.close();
          continue;
        }
        open.add(there);
        Thread.ofVirtual().start(() -> pump(client, there, /* back= */ false));
        Thread.ofVirtual().start(() -> pump(there, client, /* back= */ true));
      } catch (IOException e) {
        // Closed.
        return;
      }
    }
  }

  private void pump(Socket from, Socket to, boolean back) {
    byte[] buffer = new byte[16 << 10];
    try (from;
        to;
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream()) {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        if (back) {
          count(count);
        }
        out.write(buffer, 0, count);
      }
    } catch (IOException e) {
      // One of both ends broke off; both are closed now.
      open.remove(to);
    } finally {
      open.remove(from);
    }
  }

  private synchronized void count(int count) {
    if (served.addAndGet(count) >= limit) {
      limit = Long.MAX_VALUE;
      atLimit.run();
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}
