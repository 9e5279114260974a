package io.berth.shim.cgroup;

import io.berth.base.error.BerthException;
import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The cgroup in which all supervisors of an instance live: never a container's, whose freeze or
 * want of memory must not touch them. On version 1 it is in the hierarchies that count memory and
 * processes, and in systemd's, by which a service manager knows what belongs to whom.
 */
public final class SupervisorLeaf implements AutoCloseable {
  private static final List<String> HIERARCHIES = List.of("memory", "pids", "name=systemd");

  private final Path probe;
  private final List<Fd> tasks;
  private final @Nullable Fd version2;

  private SupervisorLeaf(Path probe, List<Fd> tasks, @Nullable Fd version2) {
    this.probe = probe;
    this.tasks = tasks;
    this.version2 = version2;
  }

  /** Opens the instance's; made when absent. */
  public static SupervisorLeaf open(CgroupLayout layout, String parent) throws IOException {
    CgroupPath path = new CgroupPath("/" + parent + "/supervisors");
    return of(new CgroupCreation(counting(layout)).makeShared(path));
  }

  /**
   * Opens another one, which a client wants for a supervisor. It is the client's own: nobody here
   * would remove one that was made for it. On version 1 it need not be in every hierarchy.
   *
   * @throws BerthException.FailedPrecondition if there is none
   */
  public static SupervisorLeaf existing(CgroupLayout layout, CgroupPath path) throws IOException {
    CgroupFolders all = CgroupFolders.of(counting(layout), path);
    String version2 = all.version2();
    CgroupFolders present =
        new CgroupFolders(
            all.version1().stream().filter(folder -> isThere(folder.path())).toList(),
            version2 != null && isThere(version2) ? version2 : null,
            all.memoryInVersion2());
    if (present.version1().isEmpty() && present.version2() == null) {
      throw new BerthException.FailedPrecondition(
          "start the container's supervisor in cgroup `"
              + path
              + "`: there is no such cgroup; make it before, or leave the option shim_cgroup out");
    }
    return of(present);
  }

  private static boolean isThere(String folder) {
    return Files.isDirectory(Path.of(folder));
  }

  private static CgroupLayout counting(CgroupLayout layout) {
    return new CgroupLayout(
        layout.version1().stream()
            .filter(hierarchy -> hierarchy.controllers().stream().anyMatch(HIERARCHIES::contains))
            .toList(),
        layout.version2(),
        layout.memoryInVersion2());
  }

  private static SupervisorLeaf of(CgroupFolders folders) throws IOException {
    List<Fd> tasks = new ArrayList<>();
    try {
      for (CgroupFolders.Folder folder : folders.version1()) {
        tasks.add(Fd.open(Path.of(folder.tasks()), OpenFlags.O_WRONLY));
      }
      String version2 = folders.version2();
      Fd unified =
          version2 == null
              ? null
              : Fd.open(Path.of(version2), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
      return new SupervisorLeaf(probe(folders), tasks, unified);
    } catch (IOException e) {
      tasks.forEach(Fd::close);
      throw e;
    }
  }

  private static Path probe(CgroupFolders folders) {
    String version2 = folders.version2();
    return Path.of(version2 != null ? version2 : folders.version1().getFirst().path());
  }

  /** Whether it has not been removed since. */
  public boolean exists() {
    return Files.isDirectory(probe);
  }

  /** The files by which a process moves there, version 1. */
  public List<Fd> tasks() {
    return tasks;
  }

  /** The folder to be born in, version 2; null where there is none. */
  public @Nullable Fd version2() {
    return version2;
  }

  @Override
  public void close() {
    tasks.forEach(Fd::close);
    if (version2 != null) {
      version2.close();
    }
  }
}
