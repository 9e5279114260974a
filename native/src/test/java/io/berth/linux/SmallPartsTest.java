package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Memory files, fifos, locks, terminals, splicing, signals, mountinfo lines, names: a few lines
 * each.
 */
final class SmallPartsTest {
  @TempDir Path folder;

  @Test
  void sealedMemory_cannotBeChanged() throws Exception {
    try (Fd fd = Memfd.sealed("plan", "content")) {
      assertEquals("content", new String(fd.readAll(100), StandardCharsets.UTF_8));
      assertEquals(Memfd.ALL_SEALS, Memfd.seals(fd));
      SyscallException e = assertThrows(SyscallException.class, () -> fd.writeAll(new byte[] {1}));
      assertEquals(Errno.EPERM, e.errno());
    }
  }

  @Test
  void fifos_openWithoutAnyoneAtTheOtherEnd() throws Exception {
    Path path = folder.resolve("fifo");
    Fifos.make(path, 0600);
    try (Fd both = Fifos.open(path);
        Fd reader = Fd.open(path, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK)) {
      both.writeAll(new byte[] {1, 2});
      assertArrayEquals(new byte[] {1, 2}, new byte[] {1, (byte) reader.read(new byte[9], 0, 9)});
    }
    Path file = Files.createFile(folder.resolve("file"));
    SyscallException none = assertThrows(SyscallException.class, () -> Fifos.open(file));
    assertEquals(Errno.EINVAL, none.errno());
  }

  @Test
  void terminals_haveSizeAndRawMode() throws Exception {
    try (Fd terminal = Fd.open(Path.of("/dev/ptmx"), OpenFlags.O_RDWR | OpenFlags.O_NOCTTY);
        Fd none = Fd.open(Path.of("/dev/null"), OpenFlags.O_RDWR)) {
      assertTrue(Terminal.isTerminal(terminal));
      assertFalse(Terminal.isTerminal(none));
      Terminal.setSize(terminal, new Terminal.Size(33, 121));
      assertEquals(new Terminal.Size(33, 121), Terminal.size(terminal));
      Terminal.Settings before = Terminal.makeRaw(terminal);
      assertEquals(0, flags(terminal) & (Terminal.ECHO | Terminal.ICANON | Terminal.ISIG));
      Terminal.restore(terminal, before);
      assertEquals(
          Terminal.ECHO | Terminal.ICANON, flags(terminal) & (Terminal.ECHO | Terminal.ICANON));
      SyscallException e = assertThrows(SyscallException.class, () -> Terminal.size(none));
      assertEquals(Errno.ENOTTY, e.errno());
    }
  }

  private static int flags(Fd terminal) {
    try (Frame f = Frame.open()) {
      var termios = f.allocate(Terminal.TERMIOS_SIZE);
      assertEquals(
          0, Libc.call(f, Sys.IOCTL, terminal.number(), Terminal.TCGETS, termios.address()));
      return termios.get(Libc.INT, Terminal.TERMIOS_LFLAG);
    }
  }

  @Test
  void pumping_movesEverything_byPipeOrByCopy() throws Exception {
    byte[] content = new byte[300_000];
    new Random(4).nextBytes(content);
    Path from = Files.write(folder.resolve("from"), content);
    Path to = folder.resolve("to");
    try (Fd source = Fd.open(from, OpenFlags.O_RDONLY);
        Fd target = Fd.open(to.toString(), OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0600);
        Fd.Pipe pipe = Fd.pipe(0)) {
      assertTrue(Splice.setPipeSize(pipe.readEnd(), 1 << 20) >= 1 << 20);
      assertEquals(300_000, Splice.pump(source, pipe.writeEnd()));
      pipe.writeEnd().close();
      assertEquals(300_000, Splice.pump(pipe.readEnd(), target));
      assertArrayEquals(content, Files.readAllBytes(to));
      source.seek(0);
      assertEquals(300_000, Splice.pump(source, target), "neither is a pipe");
      target.seek(0);
      target.truncate(0);
      assertEquals(100_000, Splice.copyRange(source, 200_000, target, 500_000));
      assertArrayEquals(Arrays.copyOfRange(content, 200_000, 300_000), Files.readAllBytes(to));
    }
  }

  @Test
  void signals_areReadAsPeopleWriteThem() {
    assertEquals(Optional.of(9), Signal.parse("KILL"));
    assertEquals(Optional.of(9), Signal.parse("sigkill"));
    assertEquals(Optional.of(15), Signal.parse("15"));
    assertEquals(Optional.of(37), Signal.parse("RTMIN+3"));
    assertEquals(Optional.of(63), Signal.parse("SIGRTMAX-1"));
    for (String wrong : List.of("", "0", "65", "KILLX", "RTMIN+", "RTMIN+31", "-9", "SIG", "999")) {
      assertEquals(Optional.empty(), Signal.parse(wrong), wrong);
    }
    assertEquals("SIGTERM", Signal.nameOf(15));
    assertEquals("SIG40", Signal.nameOf(40));
  }

  /** Lines of proc_pid_mountinfo(5) are read, with what the kernel escapes in them. */
  @Test
  void mountinfo_isReadWithItsEscapes() {
    MountInfo info =
        MountInfo.parse(
                "36 35 98:0 /mnt1 /mnt/a\\040b rw,noatime master:1 shared:7 - ext3 /dev/root"
                    + " rw,errors=continue")
            .orElseThrow();
    assertEquals("/mnt/a b", info.target());
    assertEquals(List.of("master:1", "shared:7"), info.propagation());
    assertEquals("ext3", info.type());
    assertEquals(new FileStatus.Device(98, 0), info.device());
    assertEquals(List.of("rw", "errors=continue"), info.superOptions());
    for (String wrong :
        List.of("", "1 2 3", "36 35 98 / / rw - a b c", "x 35 98:0 / / rw - a b c")) {
      assertEquals(Optional.empty(), MountInfo.parse(wrong), wrong);
    }
  }

  @Test
  void ownMountsAreFound() throws Exception {
    assertTrue(
        MountInfo.ofSelf().stream()
            .anyMatch(m -> m.target().equals("/proc") && m.type().equals("proc")));
    assertEquals(MountFlags.PROC_SUPER_MAGIC, Mounts.statfs(Path.of("/proc")).type());
    assertTrue(Mounts.statfs(folder).availableBytes() > 0);
  }

  @Test
  void everyByteOfAName_survives() {
    Random random = new Random(11);
    for (int round = 0; round < 2000; round++) {
      byte[] name = new byte[1 + random.nextInt(12)];
      for (int i = 0; i < name.length; i++) {
        name[i] = (byte) (1 + random.nextInt(255));
      }
      assertArrayEquals(
          name, FileNames.encode(FileNames.decode(name, 0, name.length)), "round " + round);
    }
    assertThrows(IllegalArgumentException.class, () -> FileNames.encode("a\ud800b"));
    assertThrows(IllegalArgumentException.class, () -> FileNames.encode("a\0b"));
  }

  @Test
  void deviceNumbers_arePackedAsTheKernelDoes() {
    assertEquals(0x103L, new FileStatus.Device(1, 3).packed());
    assertEquals(0x1233_4545L, new FileStatus.Device(0x345, 0x12345).packed());
  }

  @Test
  void aLockIsTheOpenFilesAndEndsWithIt() throws Exception {
    Path path = Files.createFile(folder.resolve("lock"));
    try (Fd other = Fd.open(path, OpenFlags.O_RDWR)) {
      try (Fd first = Fd.open(path, OpenFlags.O_RDWR)) {
        assertTrue(FileLocks.take(first));
        assertFalse(FileLocks.take(other));
      }
      assertTrue(FileLocks.take(other));
    }
  }

  @Test
  void namespacesAreToldApart() throws Exception {
    try (Fd own = Namespaces.openOwn(Namespaces.Kind.MOUNT);
        Fd byPid = Namespaces.open(Processes.ownPid(), Namespaces.Kind.MOUNT);
        Fd net = Namespaces.openOwn(Namespaces.Kind.NETWORK)) {
      assertEquals(Namespaces.inode(own), Namespaces.inode(byPid));
      assertTrue(Namespaces.inode(own) != Namespaces.inode(net));
    }
    Thread virtual =
        Thread.startVirtualThread(() ->
            assertThrows(
                IllegalStateException.class, () -> Namespaces.unshare(Namespaces.Kind.UTS.flag())));
    virtual.join();
  }
}
