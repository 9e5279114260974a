package io.berth.shim.cgroup;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import io.berth.linux.SyscallException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Reads and writes the files of a cgroup. */
public final class ControlFiles {
  private static final int MAX_BYTES = 4 << 20;

  private ControlFiles() {}

  /** The text without white space around it; ENOENT if there is no such file. */
  public static String read(String folder, String file) throws SyscallException {
    try (Fd fd = Fd.open(Path.of(folder, file), OpenFlags.O_RDONLY)) {
      return new String(fd.readAll(MAX_BYTES), StandardCharsets.US_ASCII).strip();
    }
  }

  /** The same; null where there is no such file. */
  public static @Nullable String readIfThere(String folder, String file) throws SyscallException {
    try {
      return read(folder, file);
    } catch (SyscallException e) {
      if (isAbsent(e)) {
        return null;
      }
      throw e;
    }
  }

  /** Writes a value with one call of write(2), for the kernel takes each call as a whole. */
  public static void write(String folder, String file, String value) throws SyscallException {
    try (Fd fd = Fd.open(Path.of(folder, file), OpenFlags.O_WRONLY)) {
      fd.writeOnce(value);
    }
  }

  /** Whether a failure says that there is no such file, or no such cgroup any more. */
  static boolean isAbsent(SyscallException e) {
    return e.is(Errno.ENOENT) || e.is(Errno.ENODEV) || e.is(Errno.ENOTDIR);
  }
}
