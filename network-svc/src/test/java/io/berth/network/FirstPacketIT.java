package io.berth.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.net.Ipv4;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.PortSocket.Protocol;
import io.berth.network.endpoint.EndpointRecord;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.network.port.PublishedPort;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An endpoint is ready when it is answered: whoever connects at once is not made to wait. Without
 * asking for the link after it is up, one connect in two waits a second here.
 */
@Tag("root")
final class FirstPacketIT {
  private static final double MOST_MILLIS = 50;

  @TempDir Path folder;

  @Test
  void fortyAttaches_connectAtOnce() throws Exception {
    attachAndConnect(40);
  }

  @Test
  @Tag("long")
  void thousandAttaches_connectAtOnce() throws Exception {
    attachAndConnect(1000);
  }

  private void attachAndConnect(int count) throws Exception {
    Logger.getLogger("io.berth").setLevel(Level.WARNING);
    try (TestHost host = new TestHost(folder)) {
      NetworkEngine engine = host.start();
      double[] attach = new double[count];
      double[] connect = new double[count];
      double[] detach = new double[count];
      try (ServerSocket server = host.lan.call(() -> new ServerSocket(7000, 2000))) {
        for (int i = 0; i < count; i++) {
          // Every other one finds the shelf empty, and pays for all.
          PublishedPort port = new PublishedPort(Protocol.TCP, Ipv4.ANY, 0, 80);
          long start = System.nanoTime();
          EndpointRecord endpoint = engine.attachments().attach(host.call("c" + i, port));
          attach[i] = millis(start);
          try (NetworkNamespace netns = NetworkNamespace.open(endpoint.netns());
              Socket socket =
                  netns.call(() -> {
                    Socket made = new Socket();
                    made.bind(new InetSocketAddress("0.0.0.0", 0));
                    return made;
                  })) {
            start = System.nanoTime();
            socket.connect(new InetSocketAddress(TestHost.OTHER_MACHINE.toString(), 7000), 5000);
            connect[i] = millis(start);
          }
          server.accept().close();
          if (i >= 20) {
            start = System.nanoTime();
            engine.attachments().detach(host.call("c" + (i - 20)).key());
            detach[i] = millis(start);
          }
        }
      }
      print("attach", attach);
      print("connect", connect);
      print("detach", detach);
      double worst = Arrays.stream(connect).max().orElseThrow();
      assertTrue(worst < MOST_MILLIS, "a first connection took " + worst + " ms");
      engine.removeAll();
      assertEquals(Set.of(), host.leftovers());
    }
  }

  private static double millis(long start) {
    return (System.nanoTime() - start) / 1e6;
  }

  private static void print(String what, double[] millis) {
    double[] sorted = Arrays.stream(millis).filter(m -> m > 0).sorted().toArray();
    System.out.printf(
        "%s ms: median %.2f, 99 %% %.2f, most %.2f%n",
        what,
        sorted[sorted.length / 2],
        sorted[(int) (sorted.length * 0.99)],
        sorted[sorted.length - 1]);
  }
}
