package io.berth.network.api;

import io.berth.linux.net.Ipv4;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Finds the nameservers of the host that a container can reach, anew at every call. */
final class Nameservers {
  private static final int MOST = 3;

  /** Where the first file names a local resolver only, systemd-resolved(8) has the servers here. */
  private final List<Path> files;

  Nameservers(List<Path> files) {
    this.files = List.copyOf(files);
  }

  static Nameservers ofHost() {
    return new Nameservers(
        List.of(Path.of("/etc/resolv.conf"), Path.of("/run/systemd/resolve/resolv.conf")));
  }

  /** At most three IPv4 addresses, none of them a loopback; empty if there are none. */
  List<String> list() {
    for (Path file : files) {
      List<String> servers = read(file);
      if (!servers.isEmpty()) {
        return servers;
      }
    }
    return List.of();
  }

  private static List<String> read(Path file) {
    try {
      return Files.readAllLines(file).stream()
          .map(line -> line.strip().split("\\s+"))
          .filter(words -> words.length >= 2 && words[0].equals("nameserver"))
          .flatMap(words -> Ipv4.parse(words[1]).stream())
          .filter(address -> address.bits() >>> 24 != 127)
          .map(Ipv4::toString)
          .limit(MOST)
          .toList();
    } catch (IOException e) {
      return List.of();
    }
  }
}
