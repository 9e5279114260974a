package io.berth.network;

import io.berth.linux.net.MacAddress;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.RouteSocket;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.HexFormat;

/** Frames as a container's root can send them: CAP_NET_RAW is among a container's capabilities. */
final class RawFrames {
  private static final int AF_PACKET = 17;
  private static final int SOCK_RAW = 3;
  private static final short ETH_P_IPV6 = (short) 0x86dd;
  private static final byte ICMPV6 = 58;
  private static final byte ROUTER_ADVERTISEMENT = (byte) 134;

  private static final MethodHandle SOCKET =
      handle(
          "socket",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT));
  private static final MethodHandle SENDTO =
      handle(
          "sendto",
          FunctionDescriptor.of(
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_INT));
  private static final MethodHandle CLOSE =
      handle("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

  private RawFrames() {}

  // The descriptors are written beside the names.
  @SuppressWarnings("restricted")
  private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
  }

  /**
   * Sends one router advertisement: a default route, and the prefix with leave to make addresses.
   */
  static void advertiseRouter(NetworkNamespace from, String link, String prefix)
      throws IOException {
    int index;
    MacAddress mac;
    try (RouteSocket links = RouteSocket.open(from)) {
      index = links.link(link).index();
      mac = links.link(link).address();
    }
    byte[] frame = frame(mac, advertisement(prefix));
    from.call(() -> {
      send(index, frame);
      return 0;
    });
  }

  private static void send(int link, byte[] frame) throws IOException {
    // struct sockaddr_ll, whose protocol and address bytes are in the network's order.
    ByteBuffer address =
        ByteBuffer.allocate(20)
            .put((byte) AF_PACKET)
            .put((byte) 0)
            .putShort(ETH_P_IPV6)
            .putInt(Integer.reverseBytes(link))
            .putInt(0);
    try (Arena arena = Arena.ofConfined()) {
      int socket = (int) SOCKET.invokeExact(AF_PACKET, SOCK_RAW, 0);
      long sent =
          (long)
              SENDTO.invokeExact(
                  socket,
                  arena.allocateFrom(ValueLayout.JAVA_BYTE, frame),
                  (long) frame.length,
                  0,
                  arena.allocateFrom(ValueLayout.JAVA_BYTE, address.array()),
                  20);
      int closed = (int) CLOSE.invokeExact(socket);
      if (sent != frame.length || closed != 0) {
        throw new IOException("a frame of " + frame.length + " bytes was not sent");
      }
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] frame(MacAddress from, byte[] packet) {
    return ByteBuffer.allocate(14 + packet.length)
        .put(new byte[] {0x33, 0x33, 0, 0, 0, 1})
        .put(HexFormat.ofDelimiter(":").parseHex(from.toString()))
        .putShort(ETH_P_IPV6)
        .put(packet)
        .array();
  }

  private static byte[] advertisement(String prefix) throws IOException {
    byte[] source = InetAddress.getByName("fe80::bad").getAddress();
    byte[] allNodes = InetAddress.getByName("ff02::1").getAddress();
    ByteBuffer message =
        ByteBuffer.allocate(16 + 32)
            .put(ROUTER_ADVERTISEMENT)
            .put((byte) 0)
            .putShort((short) 0)
            .put((byte) 64)
            .put((byte) 0)
            .putShort((short) 1800)
            .putInt(0)
            .putInt(0)
            // The prefix, of 64 bits, on this link and for addresses.
            .put((byte) 3)
            .put((byte) 4)
            .put((byte) 64)
            .put((byte) 0xc0)
            .putInt(86_400)
            .putInt(86_400)
            .putInt(0)
            .put(InetAddress.getByName(prefix).getAddress());
    ByteBuffer pseudo =
        ByteBuffer.allocate(40 + message.capacity())
            .put(source)
            .put(allNodes)
            .putInt(message.capacity())
            .putInt(ICMPV6)
            .put(message.array());
    message.putShort(2, checksum(pseudo.array()));
    return ByteBuffer.allocate(40 + message.capacity())
        .putInt(0x6000_0000)
        .putShort((short) message.capacity())
        .put(ICMPV6)
        .put((byte) 255)
        .put(source)
        .put(allNodes)
        .put(message.array())
        .array();
  }

  private static short checksum(byte[] bytes) {
    int sum = 0;
    for (int i = 0; i < bytes.length; i += 2) {
      sum += (bytes[i] & 0xff) << 8 | (bytes[i + 1] & 0xff);
    }
    sum = (sum & 0xffff) + (sum >>> 16);
    sum = (sum & 0xffff) + (sum >>> 16);
    return (short) ~sum;
  }
}
