package io.berth.network.port;

import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.PortSocket;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;

/** Finds the processes that have a port. Goes through all of /proc: for the text of errors only. */
public final class PortHolders {
  private PortHolders() {}

  /** {@code process 812 (nginx)}, or several, or who has it as far as can be told. */
  public static String describe(NetworkNamespace host, PublishedPort port) {
    try {
      Set<Long> inodes = new HashSet<>();
      Set<Integer> users = new TreeSet<>();
      for (PortSocket.Holder holder : PortSocket.holders(host, port.protocol(), port.hostPort())) {
        inodes.add(holder.inode());
        users.add(holder.uid());
      }
      Set<String> processes = inodes.isEmpty() ? Set.of() : processes(inodes);
      if (!processes.isEmpty()) {
        return String.join(", ", processes);
      }
      return users.isEmpty() ? "a program that cannot be told" : "a program of user " + users;
    } catch (IOException e) {
      return "another program (" + e.getMessage() + ")";
    }
  }

  private static Set<String> processes(Set<Long> inodes) throws IOException {
    Set<String> found = new TreeSet<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      for (Path process : all) {
        if (hasOne(process, inodes)) {
          found.add("process " + process.getFileName() + " (" + name(process) + ")");
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
