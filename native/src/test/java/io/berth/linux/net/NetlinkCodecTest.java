package io.berth.linux.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class NetlinkCodecTest {
  private static final long SEED = 20261121;

  /** What a random message holds, as a tree. */
  private sealed interface Node {
    // Made once and never compared.
    @SuppressWarnings("ArrayRecordComponent")
    record Leaf(int type, byte[] value) implements Node {}

    record Nest(int type, List<Node> children) implements Node {}
  }

  @Test
  void messages_whateverTheirAttributes_areReadBackAsTheyWereWritten() {
    Random random = new Random(SEED);
    for (int round = 0; round < 500; round++) {
      NetlinkWriter writer = new NetlinkWriter();
      List<List<Node>> written = new ArrayList<>();
      int messages = 1 + random.nextInt(4);
      for (int i = 0; i < messages; i++) {
        writer.message(100 + i, i).u32(i);
        List<Node> nodes = nodes(random, 3);
        nodes.forEach(node -> write(writer, node));
        written.add(nodes);
      }
      byte[] packet = writer.toBytes(7);
      List<NetlinkMessage> read = NetlinkMessage.split(packet, packet.length);
      assertEquals(messages, read.size(), "round " + round);
      for (int i = 0; i < messages; i++) {
        assertEquals(100 + i, read.get(i).type());
        assertEquals(7 + i, read.get(i).sequence());
        assertEquals(i, read.get(i).payload().getInt(0));
        compare(written.get(i), read.get(i).attributes(4), "round " + round);
      }
    }
  }

  @Test
  void damagedPackets_areReadWithoutAnException() {
    Random random = new Random(SEED);
    byte[] packet =
        new NftTransaction("t")
            .addRule("c", new NftRule().ipv4().source(new Ipv4(0x0a000000), 8).drop())
            .finish()
            .toBytes(1);
    for (int round = 0; round < 5000; round++) {
      byte[] damaged = packet.clone();
      for (int i = 0; i < 1 + random.nextInt(6); i++) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      }
      int length = random.nextInt(damaged.length + 1);
      for (NetlinkMessage message : NetlinkMessage.split(damaged, length)) {
        for (ByteBuffer value : message.attributes(4).all()) {
          Attributes.of(value).nested(1).text(1);
        }
        Link.of(padded(message));
        Route.of(padded(message));
        InterfaceAddress.of(padded(message));
      }
    }
  }

  @Test
  void lengths_countHeaderAndValueButNotThePadding() {
    byte[] packet = new NetlinkWriter().message(16, 5).attribute(3, "ab").toBytes(1);
    assertEquals("1800000010000500010000000000000007000300616200" + "00", hex(packet));
  }

  @Test
  void nestLeftOpen_isADefectThatShows() {
    NetlinkWriter writer = new NetlinkWriter().message(1, 0).nest(2);
    assertThrows(IllegalStateException.class, () -> writer.toBytes(1));
  }

  @Test
  void attributeLargerThanItsLengthField_isRefused() {
    NetlinkWriter writer = new NetlinkWriter().message(1, 0);
    assertThrows(IllegalArgumentException.class, () -> writer.attribute(1, new byte[65532]));
  }

  @Test
  void concatenatedTypes_haveTheNumbersOfTheNftProgram() {
    assertEquals(
        12 << 12 | 7 << 6 | 13, number(NftType.PROTOCOL, NftType.IPV4_ADDRESS, NftType.PORT));
    assertEquals(12, NftType.length(NftType.PROTOCOL, NftType.IPV4_ADDRESS, NftType.PORT));
    assertEquals(16, NftType.length(NftType.INTERFACE_NAME));
    assertEquals(2, NftType.length(NftType.PORT));
  }

  private static int number(NftType... fields) {
    return NftType.number(fields);
  }

  private static NetlinkMessage padded(NetlinkMessage message) {
    if (message.payload().limit() >= 16) {
      return message;
    }
    return new NetlinkMessage(0, 0, 0, 0, ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN));
  }

  private static List<Node> nodes(Random random, int depth) {
    List<Node> nodes = new ArrayList<>();
    int count = random.nextInt(5);
    for (int type = 1; type <= count; type++) {
      if (depth > 0 && random.nextInt(3) == 0) {
        nodes.add(new Node.Nest(type, nodes(random, depth - 1)));
      } else {
        byte[] value = new byte[random.nextInt(40)];
        random.nextBytes(value);
        nodes.add(new Node.Leaf(type, value));
      }
    }
    return nodes;
  }

  private static void write(NetlinkWriter writer, Node node) {
    switch (node) {
      case Node.Leaf leaf -> writer.attribute(leaf.type, leaf.value);
      case Node.Nest nest -> {
        writer.nest(nest.type);
        nest.children.forEach(child -> write(writer, child));
        writer.end();
      }
    }
  }

  private static void compare(List<Node> expected, Attributes read, String where) {
    assertEquals(expected.size(), read.all().size(), where);
    assertNull(read.get(99));
    for (Node node : expected) {
      switch (node) {
        case Node.Leaf leaf -> assertArrayEquals(leaf.value, read.bytes(leaf.type), where);
        case Node.Nest nest -> compare(nest.children, read.nested(nest.type), where);
      }
    }
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }
}
