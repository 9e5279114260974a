package io.berth.shim.run;

import io.berth.linux.FileStatus;
import io.berth.linux.SyscallException;
import io.berth.shim.plan.MachineFacts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads what plans depend on from the machine. */
public final class MachineProbe {
  private MachineProbe() {}

  /** The facts as they are now; blocks for a few reads below /proc and /sys. */
  public static MachineFacts read() throws IOException {
    return new MachineFacts(
        startsWith("/sys/module/apparmor/parameters/enabled", "Y"),
        Files.exists(Path.of("/sys/fs/selinux/enforce")),
        ownCapabilities(),
        MachineProbe::kindOf);
  }

  private static boolean startsWith(String file, String value) throws IOException {
    Path path = Path.of(file);
    return Files.exists(path) && Files.readString(path).startsWith(value);
  }

  private static long ownCapabilities() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("CapPrm:")) {
        return Long.parseUnsignedLong(line.substring("CapPrm:".length()).strip(), 16);
      }
    }
    throw new IOException("/proc/self/status: no CapPrm");
  }

  private static MachineFacts.Kind kindOf(String path) {
    try {
      return FileStatus.of(Path.of(path)).isDirectory()
          ? MachineFacts.Kind.FOLDER
          : MachineFacts.Kind.FILE;
    } catch (SyscallException e) {
      return MachineFacts.Kind.ABSENT;
    }
  }
}
