package io.berth.cli.session;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Names by which every process finds files of its own, for a caller that is another process: {@code
 * /proc/self}, and with it {@code /dev/stdin} and any link that ends there. This process would open
 * its own standard input for the caller's.
 */
final class CallersFiles {
  private static final Path ROOT = Path.of("/");
  private static final Path PROC = Path.of("/proc");
  private static final Set<String> OWN = Set.of("self", "thread-self");

  /** After as many links the kernel gives up as well: path_resolution(7). */
  private static final int MOST_LINKS = 40;

  private final Path caller;

  /**
   * Those of a process that lives as long as its line: a pid is given to others again.
   *
   * @param pid as /proc has it
   */
  CallersFiles(int pid) {
    this.caller = PROC.resolve(Integer.toString(pid));
  }

  /**
   * The path to open for one that begins at the root, if it is another one; null if not, also for a
   * path that leads nowhere.
   */
  @Nullable Path instead(Path typed) {
    Deque<Path> rest = new ArrayDeque<>();
    typed.forEach(rest::add);
    Path at = ROOT;
    int links = 0;
    while (!rest.isEmpty()) {
      Path name = rest.pop();
      if (at.equals(PROC) && OWN.contains(name.toString())) {
        return rest.stream().reduce(caller, Path::resolve);
      }
      if (name.toString().equals("..")) {
        Path above = at.getParent();
        at = above == null ? ROOT : above;
      } else if (!name.toString().equals(".")) {
        Path next = at.resolve(name);
        Path target = linkAt(next);
        if (target == null) {
          at = next;
        } else if (++links > MOST_LINKS) {
          return null;
        } else {
          at = target.isAbsolute() ? ROOT : at;
          for (int i = target.getNameCount() - 1; i >= 0; i--) {
            rest.push(target.getName(i));
          }
        }
      }
    }
    return null;
  }

  private static @Nullable Path linkAt(Path path) {
    try {
      return Files.readSymbolicLink(path);
    } catch (IOException e) {
      // Mostly because it is no link; else whoever opens it says why it cannot be.
      return null;
    }
  }
}
