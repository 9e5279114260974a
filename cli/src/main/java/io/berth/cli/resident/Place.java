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
      List.of("Uid:", "Gid:", "CapEff:", "CapBnd:", "NoNewPrivs:", "Seccomp:");
  private static final String CAPABILITIES = "CapEff:";
  private static final String GROUPS = "Groups:";

  /**
   * CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH and CAP_FOWNER of capabilities(7): whoever has
   * them may do what a group may. A login of root's is in the group 0, and what the service manager
   * starts in none.
   */
  private static final long OVERRIDES = 0xf;

  /** That of this process. */
  static Place own() throws IOException {
    return of(Path.of("/proc/self"));
  }

  /** That of another process. */
  static Place of(int pid) throws IOException {
    return of(Path.of("/proc", Integer.toString(pid)));
  }

  private static Place of(Path process) throws IOException {
    List<String> rights = rights(Files.readAllLines(process.resolve("status")));
    Path root = process.resolve("root/.");
    return new Place(
        rights,
        Files.readSymbolicLink(process.resolve("ns/mnt")).toString(),
        Files.readSymbolicLink(process.resolve("ns/user")).toString(),
        Objects.requireNonNull(Files.getAttribute(root, "unix:dev"))
            + ":"
            + Files.getAttribute(root, "unix:ino"));
  }

  /** What matters of a file {@code status} of proc_pid_status(5). */
  static List<String> rights(List<String> status) {
    boolean overrides =
        status.stream()
            .filter(line -> line.startsWith(CAPABILITIES))
            .map(line -> line.substring(CAPABILITIES.length()).strip())
            .anyMatch(mask -> (Long.parseUnsignedLong(mask, 16) & OVERRIDES) == OVERRIDES);
    return status.stream()
        .filter(line ->
            RIGHTS.stream().anyMatch(line::startsWith) || (!overrides && line.startsWith(GROUPS)))
        .toList();
  }
}
