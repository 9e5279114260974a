package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FdTest {
  @TempDir Path folder;

  @Test
  void readsBackWhatItWrote() throws Exception {
    Path file = folder.resolve("f");
    byte[] content = "some bytes".getBytes(StandardCharsets.UTF_8);
    try (Fd fd =
        Fd.open(file.toString(), OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_EXCL, 0600)) {
      fd.writeAll(content);
      fd.seek(5);
      assertArrayEquals("bytes".getBytes(StandardCharsets.UTF_8), fd.readAll(100));
      FileStatus status = fd.status();
      assertEquals(10, status.size());
      assertTrue(status.isRegular());
      assertEquals(0600, status.permissions());
      assertEquals(Files.getAttribute(file, "unix:ino"), status.inode());
      fd.truncate(4);
      fd.sync();
    }
    assertEquals("some", Files.readString(file));
  }

  @Test
  void refusesMemoryOfTheHeap() throws Exception {
    try (Fd fd = Fd.open(Path.of("/dev/null"), OpenFlags.O_WRONLY)) {
      MemorySegment heap = MemorySegment.ofArray(new byte[8]);
      assertThrows(IllegalArgumentException.class, () -> fd.write(heap));
    }
  }

  @Test
  void closedTwice_isNoError_andUseAfterwardsIs() throws Exception {
    Fd fd = Fd.open(Path.of("/dev/null"), OpenFlags.O_RDONLY);
    fd.close();
    fd.close();
    assertFalse(fd.isOpen());
    IllegalStateException e = assertThrows(IllegalStateException.class, fd::number);
    assertEquals("descriptor of `/dev/null` is closed", e.getMessage());
    assertEquals("Fd[closed /dev/null]", fd.toString());
  }

  @Test
  void closedByAnother_isTold() throws Exception {
    Fd fd = Fd.open(Path.of("/dev/null"), OpenFlags.O_RDONLY);
    Fd.adopt(fd.number(), "the same").close();
    IllegalStateException e = assertThrows(IllegalStateException.class, fd::close);
    assertTrue(e.toString().endsWith("was closed behind its owner's back"), e.toString());
  }

  @Test
  void refusal_namesCallAndSubjectAndCause() {
    Path absent = folder.resolve("absent");
    SyscallException e =
        assertThrows(SyscallException.class, () -> Fd.open(absent, OpenFlags.O_RDONLY));
    assertEquals("open `" + absent + "`: ENOENT (no such file or directory)", e.getMessage());
    assertEquals(Errno.ENOENT, e.errno());
    assertEquals("open", e.syscall());
  }

  @Test
  void readAll_stopsAtItsLimit() throws Exception {
    Path file = Files.write(folder.resolve("f"), new byte[9000]);
    try (Fd fd = Fd.open(file, OpenFlags.O_RDONLY)) {
      SyscallException e = assertThrows(SyscallException.class, () -> fd.readAll(8999));
      assertEquals(Errno.EFBIG, e.errno());
      fd.seek(0);
      assertEquals(9000, fd.readAll(9000).length);
    }
  }

  @Test
  void pipe_carriesBytes_andNonBlockingSaysSo() throws Exception {
    try (Fd.Pipe pipe = Fd.pipe(0)) {
      pipe.writeEnd().writeAll(new byte[] {1, 2, 3});
      byte[] into = new byte[8];
      assertEquals(3, pipe.readEnd().read(into, 0, 8));
      pipe.readEnd().setNonBlocking(true);
      SyscallException e =
          assertThrows(SyscallException.class, () -> pipe.readEnd().read(into, 0, 8));
      assertTrue(e.is(Errno.EAGAIN));
    }
  }

  @Test
  void aNameWithNul_isRefusedBeforeTheKernelSeesIt() {
    assertThrows(IllegalArgumentException.class, () -> Fd.open("/tmp/a\0b", OpenFlags.O_RDONLY, 0));
  }
}
