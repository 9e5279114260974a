package io.berth.cli.resident;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * What a process may do and sees of the machine, as far as a line depends on it. A line is carried
 * out only for a client in the same place, for it would otherwise read and write files for somebody
 * who may not, or other files than those that were meant.
 */
record Place(List<String> rights, String mounts, String users, Object root) {
  private static final List<String> RIGHTS =
      List.of("Uid:", "Gid:", "Groups:", "CapEff:", "CapBnd:", "NoNewPrivs:", "Seccomp:");

  /** That of this process. */
  static Place own() throws IOException {
    return of(Path.of("/proc/self"));
  }

  /** That of another process. */
  static Place of(int pid) throws IOException {
    return of(Path.of("/proc", Integer.toString(pid)));
  }

  private static Place of(Path process) throws IOException {
    List<String> rights =
        Files.readAllLines(process.resolve("status")).stream()
            .filter(line -> RIGHTS.stream().anyMatch(line::startsWith))
            .toList();
    Path root = process.resolve("root/.");
    return new Place(
        rights,
        Files.readSymbolicLink(process.resolve("ns/mnt")).toString(),
        Files.readSymbolicLink(process.resolve("ns/user")).toString(),
        Objects.requireNonNull(Files.getAttribute(root, "unix:dev"))
            + ":"
            + Files.getAttribute(root, "unix:ino"));
  }
}
