package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.io.FolderRemoval;
import io.berth.base.layout.RootFolders;
import io.berth.containerd.settings.NameResolution;
import io.berth.containerd.settings.NetworkEndpoint;
import io.berth.linux.Errno;
import io.berth.linux.MountFlags;
import io.berth.linux.Mounts;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/** The files of one container: {@code ROOT/containers/NAMESPACE/ID/}. */
final class ContainerFiles {
  private static final Path HOSTS_RESOLVER = Path.of("/etc/resolv.conf");

  /**
   * The servers that systemd-resolved(8) asks, which itself listens on the host's loopback only.
   */
  private static final Path BEHIND_RESOLVER = Path.of("/run/systemd/resolve/resolv.conf");

  private static final Path HOSTS_HOSTS = Path.of("/etc/hosts");

  private final RootFolders root;
  private final TaskKey key;
  private final Path folder;

  ContainerFiles(RootFolders root, TaskKey key) {
    this.root = root;
    this.key = key;
    this.folder = root.container(key);
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

  /** Where the {@code /dev/shm} of a container lies that others may share. */
  Path sharedMemory() {
    return folder.resolve("shm");
  }

  /** Mounts an empty file system for shared memory of so many bytes, in place of an old one. */
  void mountSharedMemory(long bytes) {
    unmountSharedMemory();
    Path shm = sharedMemory();
    try {
      Files.createDirectories(shm);
      Mounts.mount(
          "shm",
          shm,
          "tmpfs",
          MountFlags.MS_NOSUID | MountFlags.MS_NODEV | MountFlags.MS_NOEXEC,
          "mode=1777,size=" + bytes);
    } catch (IOException e) {
      throw failure("mount", shm, e);
    }
  }

  /** Unmounts it for this container; containers that share it keep their own mounts of it. */
  void unmountSharedMemory() {
    Path shm = sharedMemory();
    try {
      if (Files.isDirectory(shm)) {
        Mounts.unmount(shm, MountFlags.MNT_DETACH | MountFlags.UMOUNT_NOFOLLOW);
      }
    } catch (SyscallException e) {
      if (!e.is(Errno.EINVAL)) {
        throw failure("unmount", shm, e);
      }
      // umount(2) answers EINVAL where nothing is mounted, which is what was wanted.
    }
  }

  /** The file with the results of the health checks of the last run. */
  Path health() {
    return folder.resolve("health.json");
  }

  /** The file with the output of the last health check. */
  Path healthOutput() {
    return folder.resolve("health.log");
  }

  /**
   * Makes the folder. Users of the container reach what is bound from it through the mount, so they
   * need no way along this path.
   */
  void make() {
    try {
      root.prepareContainer(key);
    } catch (IOException e) {
      throw failure("make", folder, e);
    }
  }

  /**
   * Writes the files that are bound into the container. They are written in place, because a bind
   * mount keeps the file and not its name.
   *
   * @param hostname the name that the container has
   * @param domainname what follows the name, or empty
   * @param names what a person wants resolved how
   * @param endpoint the container's place on its network, if it has one
   * @param nameservers of the network; the servers that a person gives count more
   * @param hostsNetwork whether the container shares the host's network, so that its files are
   *     based on the host's
   */
  void write(
      String hostname,
      String domainname,
      NameResolution names,
      NetworkEndpoint endpoint,
      List<String> nameservers,
      boolean hostsNetwork) {
    make();
    put(hostname(), hostname + "\n");
    HostsFile table =
        new HostsFile(
            hostname,
            domainname,
            List.of(endpoint.address(), endpoint.address6()),
            names.extraHosts(),
            endpoint.gateway());
    put(hosts(), hostsNetwork ? table.text(read(HOSTS_HOSTS)) : table.text());
    ResolvFile resolver =
        new ResolvFile(names.servers(), names.search(), names.options(), nameservers);
    put(
        resolvConf(),
        resolver.text(read(HOSTS_RESOLVER), read(BEHIND_RESOLVER), List.of(), hostsNetwork));
  }

  /** Whether this host has a name server that containers with a network of their own can reach. */
  static boolean isResolverReachable() {
    return ResolvFile.hasReachable(read(HOSTS_RESOLVER), read(BEHIND_RESOLVER));
  }

  /** The file of hosts as it was written last. */
  String hostsText() {
    return read(hosts());
  }

  /** Writes the file of hosts anew, in place. */
  void writeHosts(String text) {
    put(hosts(), text);
  }

  /** Copies the tables of names for a container on another one's network. */
  void copy(ContainerFiles other, String hostname) {
    make();
    put(hostname(), hostname + "\n");
    put(hosts(), read(other.hosts()));
    put(resolvConf(), read(other.resolvConf()));
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

  /** Deletes all of them, the logs too. */
  void delete() {
    unmountSharedMemory();
    FolderRemoval.remove(folder);
  }
}
