package io.berth.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * What an instance has on the host outside its folder, by its id and folder; an instance that is
 * gone has nothing.
 */
record Leftovers(Set<String> found) {
  static final Leftovers NONE = new Leftovers(Set.of());

  static Leftovers now(String id, Path dir) {
    Set<String> found = new TreeSet<>();
    for (String line : lines(Path.of("/proc/self/mountinfo"))) {
      if (line.contains(dir + "/") || line.contains("berth-" + id)) {
        found.add("mount " + line.split(" ")[4]);
      }
    }
    for (String line : Command.run("ip", "-o", "link").out().lines().toList()) {
      if (line.contains("br-" + id) || line.contains("berth:" + id) || line.contains("bto" + id)) {
        found.add("link " + line);
      }
    }
    for (String line : Command.run("ip", "-d", "link").out().lines().toList()) {
      if (line.contains("alias berth:" + id)) {
        found.add("link " + line.strip());
      }
    }
    for (String line : Command.run("nft", "list", "tables").out().lines().toList()) {
      if (line.contains("berth_" + id)) {
        found.add("nft " + line);
      }
    }
    for (String line : Command.run("ip", "netns", "list").out().lines().toList()) {
      if (line.contains(id)) {
        found.add("netns " + line);
      }
    }
    found.addAll(cgroups(id));
    processes(id, dir).forEach(pid -> found.add("process " + pid + " " + commandLine(pid)));
    return new Leftovers(found);
  }

  /** Whether the host forwards IPv4 packets, as the kernel says it. */
  static String forwarding() {
    return lines(Path.of("/proc/sys/net/ipv4/ip_forward")).getFirst();
  }

  private static List<String> cgroups(String id) {
    List<String> found = new ArrayList<>();
    try (Stream<Path> tree =
        Files.find(
            Path.of("/sys/fs/cgroup"),
            3,
            (path, _) -> path.getFileName().toString().contains(id))) {
      tree.forEach(path -> found.add("cgroup " + path));
    } catch (IOException | UncheckedIOException e) {
      // A cgroup that goes away while it is listed is no leftover.
      found.remove("");
    }
    return found;
  }

  /**
   * Processes whose command line names a path of the instance, or that live in one of its cgroups.
   */
  static List<Long> processes(String id, Path dir) {
    List<Long> found = new ArrayList<>();
    ProcessHandle.allProcesses()
        .filter(process -> process.pid() != ProcessHandle.current().pid())
        .forEach(process -> {
          if (commandLine(process.pid()).contains(dir + "/")
              || cgroup(process.pid()).contains(id)) {
            found.add(process.pid());
          }
        });
    return found;
  }

  private static String cgroup(long pid) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/cgroup"));
    } catch (IOException e) {
      return "";
    }
  }

  static String commandLine(long pid) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/cmdline")).replace('\0', ' ');
    } catch (IOException e) {
      return "";
    }
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Shim processes, the keeper and the resident command line live on when the services stop; what
   * else does, is a leftover.
   */
  static void killAll(String id, Path dir) throws InterruptedException {
    for (int i = 0; i < 200 && !processes(id, dir).isEmpty(); i++) {
      for (long pid : processes(id, dir)) {
        String line = commandLine(pid);
        if (line.contains("ShimMain") || line.contains("keeper") || line.contains("ResidentMain")) {
          ProcessHandle.of(pid).ifPresent(ProcessHandle::destroy);
        }
      }
      Thread.sleep(50);
    }
  }

  /** Fails with the list of what is there and was not. */
  void mustEqual(Leftovers before) {
    Set<String> more = new TreeSet<>(found);
    more.removeAll(before.found);
    // What every living instance has and `berth-services stop` keeps on purpose: netns pool, bridge
    // and table; see clean().
    more.removeIf(line -> line.startsWith("mount ") && line.contains("/run/n"));
    more.removeIf(line -> line.startsWith("link ") || line.startsWith("nft "));
    // Parents in the paths that clients choose stay, as runc leaves them: others may have put
    // limits there.
    more.removeIf(line ->
        line.startsWith("cgroup ")
            && line.matches(".*/(bt|docker|berth-)[0-9a-f]{6}(/supervisors)?"));
    if (!more.isEmpty()) {
      throw new AssertionError("left behind:\n" + String.join("\n", more));
    }
  }

  /** Takes away what an instance keeps across restarts of its services. */
  static void clean(String id, Path dir) throws IOException {
    loseAllButFiles(id, dir);
    deleteTree(dir);
  }

  /** Takes away what no instance has after the machine was off: all but what is on disks. */
  static void loseAllButFiles(String id, Path dir) {
    processes(id, dir)
        .forEach(pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
    unmountBelow(dir);
    for (String line : Command.run("ip", "-o", "link").out().lines().toList()) {
      String name = line.split(": ")[1];
      if (name.startsWith("br-" + id)) {
        Command.run("ip", "link", "delete", name);
      }
    }
    Command.run("nft", "delete", "table", "inet", "berth_" + id);
    for (String found : cgroups(id).reversed()) {
      Command.run(
          "find",
          found.substring("cgroup ".length()),
          "-depth",
          "-type",
          "d",
          "-exec",
          "rmdir",
          "{}",
          ";");
    }
  }

  static void deleteTree(Path folder) throws IOException {
    if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    unmountBelow(folder);
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(
              Path dir, java.io.@org.jspecify.annotations.Nullable IOException failure)
              throws IOException {
            Files.delete(dir);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /**
   * Deletes nothing below a folder that is still mounted there. What is mounted below a bind mount
   * goes from the folder itself, too, unless its propagation is cut.
   */
  private static void unmountBelow(Path folder) {
    String below = ". ../../dist/unmount && unmount_all \"$1\"";
    Command.run("bash", "-c", below, "unmount", folder.toString()).exits(0);
  }
}
