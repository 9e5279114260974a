package io.berth.containerd.container;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.Endpoint;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.host.Folders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/** One container's own files: {@code ROOT/containers/NAMESPACE/ID/}. */
final class ContainerFiles {
  private static final Path HOSTS_RESOLVER = Path.of("/etc/resolv.conf");
  private static final Path HOSTS_HOSTS = Path.of("/etc/hosts");

  private final Path folder;

  ContainerFiles(Path root, TaskKey key) {
    this.folder = key.files(root);
  }

  Path folder() {
    return folder;
  }

  Path log() {
    return folder.resolve("log");
  }

  Path hosts() {
    return folder.resolve("hosts");
  }

  Path hostname() {
    return folder.resolve("hostname");
  }

  Path resolvConf() {
    return folder.resolve("resolv.conf");
  }

  /** Where output goes: the supervisor writes and rotates it. */
  String logUri(long maxSize, long maxFiles) {
    return "berth-log://" + log() + "?max_size=" + maxSize + "&max_files=" + maxFiles;
  }

  /**
   * Makes the folder (0711: what is bound from it is read by the container's users) and the log.
   */
  void make() {
    try {
      Files.createDirectories(folder);
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
    } catch (IOException e) {
      throw failure("make", folder, e);
    }
  }

  /**
   * Writes what is bound into the container, in place: a bind mount follows the file, not its name.
   *
   * @param endpoint with its address, if it has one
   * @param nameservers of the network; the person's own count more
   * @param hostsNetwork the container shares the host's: its files are the host's
   */
  void write(
      Config config,
      HostConfig host,
      String hostname,
      Endpoint endpoint,
      List<String> nameservers,
      boolean hostsNetwork) {
    make();
    put(hostname(), hostname + "\n");
    put(hosts(), hostsText(config, host, hostname, endpoint, hostsNetwork));
    put(resolvConf(), resolverText(host, nameservers, hostsNetwork));
  }

  private static String hostsText(
      Config config, HostConfig host, String hostname, Endpoint endpoint, boolean hostsNetwork) {
    StringBuilder text = new StringBuilder();
    if (hostsNetwork) {
      text.append(read(HOSTS_HOSTS));
      if (!text.isEmpty() && text.charAt(text.length() - 1) != '\n') {
        text.append('\n');
      }
    } else {
      text.append("127.0.0.1\tlocalhost\n")
          .append("::1\tlocalhost ip6-localhost ip6-loopback\n")
          .append("fe00::0\tip6-localnet\n")
          .append("ff02::1\tip6-allnodes\n")
          .append("ff02::2\tip6-allrouters\n");
    }
    for (String extra : host.getExtraHostsList()) {
      int colon = extra.indexOf(':');
      if (colon > 0) {
        String address = extra.substring(colon + 1);
        text.append(address.equals("host-gateway") ? endpoint.getGateway() : address)
            .append('\t')
            .append(extra, 0, colon)
            .append('\n');
      }
    }
    if (!endpoint.getAddress().isEmpty()) {
      String domain = config.getDomainname();
      text.append(endpoint.getAddress())
          .append('\t')
          .append(domain.isEmpty() ? "" : hostname + "." + domain + " ")
          .append(hostname)
          .append('\n');
    }
    return text.toString();
  }

  private static String resolverText(
      HostConfig host, List<String> nameservers, boolean hostsNetwork) {
    boolean own = host.getDnsCount() + host.getDnsSearchCount() + host.getDnsOptionsCount() > 0;
    if (!own && (hostsNetwork || nameservers.isEmpty())) {
      return read(HOSTS_RESOLVER);
    }
    StringBuilder text = new StringBuilder();
    List<String> servers = host.getDnsCount() > 0 ? host.getDnsList() : nameservers;
    if (servers.isEmpty()) {
      read(HOSTS_RESOLVER)
          .lines()
          .filter(line -> line.startsWith("nameserver"))
          .forEach(line -> text.append(line).append('\n'));
    }
    servers.forEach(server -> text.append("nameserver ").append(server).append('\n'));
    if (host.getDnsSearchCount() > 0 && !host.getDnsSearch(0).equals(".")) {
      text.append("search ").append(String.join(" ", host.getDnsSearchList())).append('\n');
    }
    if (host.getDnsOptionsCount() > 0) {
      text.append("options ").append(String.join(" ", host.getDnsOptionsList())).append('\n');
    }
    return text.toString();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "";
    }
  }

  private static void put(Path file, String text) {
    try {
      Files.writeString(file, text);
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    } catch (IOException e) {
      throw failure("write", file, e);
    }
  }

  private static BerthException failure(String what, Path file, IOException e) {
    return new BerthException.Internal(what + " `" + file + "`: " + e.getMessage(), e);
  }

  /** With all logs. */
  void delete() {
    Folders.delete(folder);
  }
}
