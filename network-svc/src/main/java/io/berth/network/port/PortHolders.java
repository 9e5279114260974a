package io.berth.network.port;

import io.berth.base.error.Obstacle;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.PortSocket;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/** Finds the processes that have a port, for errors only, as it reads all of /proc(5). */
public final class PortHolders {
  private PortHolders() {}

  /** Who has a port; empty if nobody has it. */
  public static Optional<HostPorts.Holder> look(NetworkNamespace host, PublishedPort port) {
    try {
      if (PortSocket.holders(host, port.protocol(), port.hostPort()).isEmpty()) {
        return Optional.empty();
      }
    } catch (IOException e) {
      // The other question meets the same failure, and tells it.
    }
    return Optional.of(find(host, port));
  }

  /**
   * The process that has a port: as text {@code process 812 (nginx)}, or several, or as far as can
   * be told; for programs the id of the first.
   */
  public static HostPorts.Holder find(NetworkNamespace host, PublishedPort port) {
    try {
      Set<Long> inodes = new HashSet<>();
      Set<Integer> users = new TreeSet<>();
      for (PortSocket.Holder holder : PortSocket.holders(host, port.protocol(), port.hostPort())) {
        inodes.add(holder.inode());
        users.add(holder.uid());
      }
      SortedMap<String, String> processes =
          inodes.isEmpty() ? Collections.emptySortedMap() : processes(inodes);
      if (!processes.isEmpty()) {
        String pid = processes.firstEntry().getValue();
        return new HostPorts.Holder(
            String.join(", ", processes.keySet()),
            new Obstacle.Subject(Obstacle.Kind.PROCESS, pid));
      }
      return new HostPorts.Holder(
          users.isEmpty() ? "a program that cannot be told" : "a program of user " + users, null);
    } catch (IOException e) {
      return new HostPorts.Holder("another program (" + e.getMessage() + ")", null);
    }
  }

  // Their ids by their descriptions.
  private static SortedMap<String, String> processes(Set<Long> inodes) throws IOException {
    SortedMap<String, String> found = new TreeMap<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      for (Path process : all) {
        if (hasOne(process, inodes)) {
          String pid = String.valueOf(process.getFileName());
          found.put("process " + pid + " (" + name(process) + ")", pid);
        }
      }
    }
    return found;
  }

  private static boolean hasOne(Path process, Set<Long> inodes) {
    try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
      for (Path descriptor : descriptors) {
        String target = target(descriptor);
        if (target.startsWith("socket:[")
            && inodes.contains(Long.parseLong(target.substring(8, target.length() - 1)))) {
          return true;
        }
      }
      return false;
    } catch (IOException | DirectoryIteratorException e) {
      // The process ended meanwhile.
      return false;
    }
  }

  private static String target(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString();
    } catch (IOException e) {
      return "";
    }
  }

  private static String name(Path process) {
    try {
      return Files.readString(process.resolve("comm"), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      return "?";
    }
  }
}
