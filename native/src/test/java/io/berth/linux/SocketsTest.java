package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SocketsTest {
  @TempDir Path folder;

  @Test
  void packetsKeepTheirBounds_andTheEndIsSeen() throws Exception {
    try (Sockets.Pair pair = Sockets.pair(Sockets.Kind.SEQPACKET)) {
      Sockets.send(pair.left(), new byte[] {1, 2, 3}, List.of());
      Sockets.send(pair.left(), new byte[] {4}, List.of());
      byte[] buffer = new byte[100];
      Sockets.Received first = Sockets.receive(pair.right(), buffer);
      assertArrayEquals(new byte[] {1, 2, 3}, Sockets.bytesOf(first, buffer));
      Sockets.Received second = Sockets.receive(pair.right(), buffer);
      assertArrayEquals(new byte[] {4}, Sockets.bytesOf(second, buffer));
      assertNull(Sockets.tryReceive(pair.right(), buffer));
      pair.left().close();
      assertEquals(0, Sockets.receive(pair.right(), buffer).length());
    }
  }

  @Test
  void aPacketTooLargeForTheBuffer_isSaidToBe() throws Exception {
    try (Sockets.Pair pair = Sockets.pair(Sockets.Kind.SEQPACKET)) {
      Sockets.send(pair.left(), new byte[50], List.of());
      byte[] buffer = new byte[10];
      Sockets.Received received = Sockets.receive(pair.right(), buffer);
      assertTrue(received.truncated());
      assertEquals(10, received.length());
    }
  }

  @Test
  void asManyDescriptorsAsTheKernelTakes_comeAlong_inOrder() throws Exception {
    List<Fd> sent = new ArrayList<>();
    try (Sockets.Pair pair = Sockets.pair(Sockets.Kind.SEQPACKET)) {
      for (int i = 0; i < Sockets.MAX_DESCRIPTORS; i++) {
        sent.add(Memfd.sealed("number", Integer.toString(i)));
      }
      Sockets.send(pair.left(), new byte[] {9}, sent);
      try (Sockets.Received received = Sockets.receive(pair.right(), new byte[1])) {
        assertFalse(received.truncated());
        assertEquals(253, received.descriptors().size());
        for (int i = 0; i < 253; i++) {
          Fd fd = received.descriptors().get(i);
          assertEquals(Integer.toString(i), new String(fd.readAll(10), StandardCharsets.UTF_8));
          assertTrue((fd.control("getfd", 1, 0) & 1) != 0, "closed on exec");
        }
      }
      sent.add(Memfd.create("one too many"));
      assertThrows(
          IllegalArgumentException.class, () -> Sockets.send(pair.left(), new byte[] {9}, sent));
    } finally {
      sent.forEach(Fd::close);
    }
  }

  /** A socket has its permissions from the start and tells who connects. */
  @Test
  void aListenerIsFound_knowsItsPeer_andHasItsPermissions() throws Exception {
    Path path = folder.resolve("sock");
    try (Fd listener = Sockets.listen(Sockets.Kind.SEQPACKET, path, 0600, 16)) {
      assertEquals(0600, FileStatus.of(path).permissions());
      assertNull(Sockets.accept(listener));
      try (Fd client = Sockets.connect(Sockets.Kind.SEQPACKET, path, false);
          Fd server = Sockets.accept(listener)) {
        assertNotNull(server);
        Sockets.PeerCredentials peer = Sockets.peer(server);
        assertEquals(Processes.ownPid(), peer.pid());
        assertEquals(Processes.effectiveUser(), peer.uid());
        Sockets.send(client, new byte[] {5}, List.of());
        assertEquals(1, Sockets.receive(server, new byte[4]).length());
        Sockets.shutdown(server, Sockets.Direction.WRITE);
        assertEquals(0, Sockets.receive(client, new byte[4]).length());
      }
      SyscallException taken =
          assertThrows(
              SyscallException.class, () -> Sockets.listen(Sockets.Kind.SEQPACKET, path, 0600, 16));
      assertEquals(Errno.EADDRINUSE, taken.errno());
    }
    SyscallException dead =
        assertThrows(
            SyscallException.class, () -> Sockets.connect(Sockets.Kind.SEQPACKET, path, false));
    assertEquals(Errno.ECONNREFUSED, dead.errno());
  }

  @Test
  void aPathTooLong_isRefusedWithWords() {
    Path path = folder.resolve("x".repeat(120));
    SyscallException e =
        assertThrows(
            SyscallException.class, () -> Sockets.connect(Sockets.Kind.STREAM, path, true));
    assertEquals(
        "socket path longer than 107 bytes `" + path + "`: ENAMETOOLONG (file name too long)",
        e.getMessage());
  }

  @Test
  void aPathOfExactlyTheLimit_works() throws Exception {
    int rest = Sockets.MAX_PATH_BYTES - folder.toString().length() - 1;
    Path path = folder.resolve("y".repeat(rest));
    try (Fd listener = Sockets.listen(Sockets.Kind.STREAM, path, 0666, 1);
        Fd client = Sockets.connect(Sockets.Kind.STREAM, path, true)) {
      assertTrue(listener.isOpen() && client.isOpen());
    }
  }

  @Test
  void aFullSocket_saysSo_insteadOfWaiting() throws Exception {
    try (Sockets.Pair pair = Sockets.pair(Sockets.Kind.SEQPACKET)) {
      byte[] packet = new byte[16_384];
      int sent = 0;
      while (Sockets.trySend(pair.left(), packet, List.of())) {
        sent++;
      }
      assertTrue(sent >= 4, "packets that fit: " + sent);
    }
  }

  @Test
  void text_nobodyWaitsFor_isRefused() {
    for (String to : List.of(folder.resolve("absent").toString(), "@berth-test-absent")) {
      SyscallException e =
          assertThrows(SyscallException.class, () -> Sockets.sendText(to, "READY=1"));
      assertEquals(to.startsWith("@") ? Errno.ECONNREFUSED : Errno.ENOENT, e.errno());
    }
  }
}
