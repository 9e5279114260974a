package io.berth.image.disk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class DiskFailuresTest {
  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(names = {"ENOSPC", "EDQUOT"})
  void usedUpDiskOrQuota_isTheCallersToFree(Errno errno) {
    SyscallException failure = new SyscallException("write", "data", errno);
    BerthException told = DiskFailures.of("write layer", failure, folder);
    assertInstanceOf(BerthException.ResourceExhausted.class, told);
    assertEquals("write layer: the disk is full; free space there", told.getMessage());
    assertSame(failure, told.getCause());
  }

  @Test
  void otherError_isOurs() {
    assertInstanceOf(
        BerthException.Internal.class,
        DiskFailures.of("write layer", new SyscallException("write", "data", Errno.EIO), folder));
  }

  /** A file may be called anything, and its name is part of the exception's text. */
  @Test
  void wordsOfTheMessage_decideNothing() {
    IOException failure =
        new FileSystemException("No space left on device", null, "ENOSPC: No space left on device");
    assertInstanceOf(
        BerthException.Internal.class, DiskFailures.of("write layer", failure, folder));
  }
}
