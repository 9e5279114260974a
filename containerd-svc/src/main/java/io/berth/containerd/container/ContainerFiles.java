package io.berth.containerd.container;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.Endpoint;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.io.FolderRemoval;
import io.berth.base.layout.RootFolders;
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

/** One container's own files: {@code ROOT/containers/NAMESPACE/ID/}. */
final class ContainerFiles {
  private static final Path HOSTS_RESOLVER = Path.of("/etc/resolv.conf");

  /** What systemd-resolved, which listens on the host's loopback only, asks itself. */
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

  /** Mounts it anew, empty. */
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

  /** For this container; others that share it keep theirs. */
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
      // Nothing was mounted there.
    }
  }

  /** What the health checks of the last run said. */
  Path health() {
    return folder.resolve("health.json");
  }

  /** What the last of them wrote. */
  Path healthOutput() {
    return folder.resolve("health.log");
  }

  /** Where output goes: the supervisor writes and rotates it. */
  static String logUri(Path log, long maxSize, long maxFiles) {
    return "berth-log://" + log + "?max_size=" + maxSize + "&max_files=" + maxFiles;
  }

  /**
   * Makes the folder (what is bound from it the container's users reach by the mount, not by this
   * path) and the log.
   */
  void make() {
    try {
      root.prepareContainer(key);
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
    HostsFile names =
        new HostsFile(
            hostname,
            config.getDomainname(),
            List.of(endpoint.getAddress(), endpoint.getAddress6()),
            host.getExtraHostsList(),
            endpoint.getGateway());
    put(hosts(), hostsNetwork ? names.text(read(HOSTS_HOSTS)) : names.text());
    ResolvFile resolver =
        new ResolvFile(
            host.getDnsList(), host.getDnsSearchList(), host.getDnsOptionsList(), nameservers);
    put(
        resolvConf(),
        resolver.text(read(HOSTS_RESOLVER), read(BEHIND_RESOLVER), List.of(), hostsNetwork));
  }

  /** For a container on another one's network: its names are the other's. */
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

  /** With all logs. */
  void delete() {
    unmountSharedMemory();
    FolderRemoval.remove(folder);
  }
}
