package io.berth.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * What an instance has at a moment in which nothing is under way: on the host, on the disk and in
 * its records.
 */
record Inventory(Set<String> found) {
  static Inventory of(BerthInstance berth) throws IOException {
    Set<String> found = new TreeSet<>();
    Path dir = berth.dir();
    for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
      if (line.contains(dir + "/") && !line.contains(berth.state() + "/n/")) {
        found.add("mount " + line.split(" ")[4]);
      }
    }
    for (String namespace : List.of("default", berth.namespace())) {
      for (List<String> line :
          List.of(
              List.of("containers", "ls", "-q"),
              List.of("tasks", "ls", "-q"),
              List.of("snapshots", "ls"),
              List.of("content", "ls", "-q"),
              List.of("content", "active"),
              List.of("images", "ls", "-q"))) {
        rows(found, berth, namespace, line.toArray(String[]::new));
      }
    }
    rows(found, berth, "", "network", "ls", "-q");
    rows(found, berth, "", "volume", "ls", "-q");
    children(found, berth.state().resolve("t"));
    children(found, berth.dir().resolve("lib/containers/default"));
    children(found, berth.dir().resolve("lib/unpack"));
    children(found, berth.dir().resolve("lib/trash"));
    children(found, berth.dir().resolve("lib/s"));
    cgroups(found, berth);
    networks(found, berth);
    for (long pid : Leftovers.processes(berth.id(), dir)) {
      String line = Leftovers.commandLine(pid);
      if (!line.contains("/java ") && !line.contains("/bin/berth ")) {
        found.add("process " + line.strip());
      }
    }
    return new Inventory(found);
  }

  private static void rows(
      Set<String> found, BerthInstance berth, String namespace, String... line) {
    Command command =
        namespace.isEmpty()
            ? berth.berth(line)
            : Command.run(
                Stream.concat(
                        Stream.of("ctr", "--address", berth.socket().toString(), "-n", namespace),
                        Stream.of(line))
                    .toArray(String[]::new));
    for (String row : command.exits(0).out().lines().toList()) {
      found.add(namespace + " " + line[0] + " " + row.strip().split("\\s+")[0]);
    }
  }

  private static void children(Set<String> found, Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> children = Files.list(folder)) {
      children.forEach(child -> found.add("file " + child));
    }
  }

  private static void cgroups(Set<String> found, BerthInstance berth) throws IOException {
    for (String name : List.of("berth-" + berth.id(), berth.namespace())) {
      try (Stream<Path> hierarchies = Files.list(Path.of("/sys/fs/cgroup"))) {
        for (Path top : hierarchies.toList()) {
          Path folder = top.resolve(name);
          if (Files.isDirectory(folder)) {
            below(found, folder);
          }
        }
      }
    }
  }

  private static void below(Set<String> found, Path folder) throws IOException {
    try (Stream<Path> tree = Files.walk(folder)) {
      tree.filter(path -> !path.equals(folder) && Files.isDirectory(path))
          .filter(path -> !path.endsWith("supervisors"))
          .forEach(path -> found.add("cgroup " + path));
    } catch (UncheckedIOException e) {
      throw new IOException(e);
    }
  }

  /** Rules and ports; and whether each link has its network namespace. */
  private static void networks(Set<String> found, BerthInstance berth) throws IOException {
    Set<String> links = new TreeSet<>();
    String name = "";
    for (String line : Command.run("ip", "-d", "link").exits(0).out().lines().toList()) {
      if (line.matches("\\d+: .*")) {
        name = line.split(":? ")[1].replaceFirst("@.*", "");
      } else if (line.contains("alias berth:" + berth.id())) {
        if (name.startsWith("br-")) {
          found.add("bridge " + name);
        } else {
          links.add(name);
        }
      }
    }
    Set<String> pins = new TreeSet<>();
    Path folder = berth.state().resolve("n");
    if (Files.isDirectory(folder)) {
      try (Stream<Path> files = Files.list(folder)) {
        files.forEach(file -> pins.add("bt" + file.getFileName()));
      }
    }
    for (String link : links) {
      // Network namespaces are made before they are needed, with names by chance.
      if (!pins.remove(link)) {
        found.add("link without a network namespace " + link);
      }
    }
    pins.forEach(pin -> found.add("network namespace without a link " + pin));
    found.add("links " + links.size());
    for (String line :
        Command.run("nft", "-s", "list", "table", "inet", "berth_" + berth.id())
            .out()
            .lines()
            .toList()) {
      found.add("nft " + line.strip());
    }
  }
}
