package io.berth.shim.cgroup;

import io.berth.base.error.BerthException;
import io.berth.base.time.Sleeper;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.KernelFeature;
import io.berth.linux.Processes;
import io.berth.linux.Signal;
import io.berth.linux.SyscallException;
import io.berth.oci.runtime.Resources;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A container's cgroup in every hierarchy of the host. Safe for use by several threads as far as
 * the kernel's is; methods return within milliseconds, except {@link #freeze}, {@link #killAll} and
 * {@link #remove}, which wait for processes, bounded.
 */
public final class Cgroup {
  private static final Duration REMOVAL = Duration.ofSeconds(5);
  private static final Duration FREEZING = Duration.ofSeconds(5);
  private static final Duration KILLING = Duration.ofSeconds(10);

  private final CgroupFolders folders;
  private final CgroupPath path;

  private Cgroup(CgroupFolders folders, CgroupPath path) {
    this.folders = folders;
    this.path = path;
  }

  /** A cgroup that exists, or existed. */
  public static Cgroup at(CgroupLayout layout, CgroupPath path) {
    return new Cgroup(CgroupFolders.of(layout, path), path);
  }

  /**
   * Makes the folders. An existing one is taken over if nothing lives in it.
   *
   * @throws BerthException.FailedPrecondition if something does; nothing has been changed then
   */
  public static Cgroup create(CgroupLayout layout, CgroupPath path) throws IOException {
    Cgroup cgroup = at(layout, path);
    new CgroupCreation(layout).makeOwn(cgroup.folders);
    return cgroup;
  }

  /** Its folder in each hierarchy. */
  public CgroupFolders folders() {
    return folders;
  }

  /** Its path below each hierarchy's root. */
  public CgroupPath path() {
    return path;
  }

  private List<String> all() {
    List<String> all = new ArrayList<>();
    folders.version1().forEach(folder -> all.add(folder.path()));
    if (folders.version2() != null) {
      all.add(folders.version2());
    }
    return all;
  }

  /** Sets the limits of a container that is being made, device rules included. */
  public void limit(Resources resources) throws IOException {
    new CgroupLimits(folders).set(resources);
  }

  /**
   * Changes limits; what is absent or zero stays. Device rules, if there are any, take the place of
   * all that were there.
   *
   * @throws IOException names the file and the value; what came before it has been changed
   */
  public void update(Resources resources) throws IOException {
    new CgroupLimits(folders).change(resources);
  }

  /** Numbers of all processes in it and below, each once; empty when it is gone. */
  public List<Integer> pids() throws IOException {
    String folder = counting();
    Set<Integer> pids = new LinkedHashSet<>();
    if (folder != null) {
      collect(Path.of(folder), pids);
    }
    return List.copyOf(pids);
  }

  /** The folder that tells which processes are in it; null if it has none. */
  private @Nullable String counting() {
    for (String controller : List.of("pids", "memory", "cpu", "freezer", "devices")) {
      String folder = folders.of(controller);
      if (folder != null) {
        return folder;
      }
    }
    List<String> all = all();
    return all.isEmpty() ? null : all.getLast();
  }

  private static void collect(Path folder, Set<Integer> pids) throws IOException {
    String text = ControlFiles.readIfThere(folder.toString(), "cgroup.procs");
    if (text == null) {
      return;
    }
    for (String line : text.split("\n", -1)) {
      if (!line.isBlank()) {
        pids.add(Integer.valueOf(line.strip()));
      }
    }
    for (Path child : children(folder)) {
      collect(child, pids);
    }
  }

  /**
   * The names of the cgroups right below this one, of whatever hierarchy; none if it is not there.
   */
  public Set<String> childNames() throws IOException {
    Set<String> names = new TreeSet<>();
    List<String> all = new ArrayList<>();
    folders.version1().forEach(folder -> all.add(folder.path()));
    if (folders.version2() != null) {
      all.add(folders.version2());
    }
    for (String folder : all) {
      for (Path child : children(Path.of(folder))) {
        names.add(String.valueOf(child.getFileName()));
      }
    }
    return names;
  }

  private static List<Path> children(Path folder) throws IOException {
    List<Path> children = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, Files::isDirectory)) {
      entries.forEach(children::add);
    } catch (NoSuchFileException | NotDirectoryException e) {
      return List.of();
    }
    return children;
  }

  /** Sends a signal to every process in it, once. */
  public void signalAll(int signal) throws IOException {
    for (int pid : pids()) {
      signal(pid, signal);
    }
  }

  private static void signal(int pid, int signal) throws IOException {
    try (Fd pidfd = Processes.openPidfd(pid)) {
      Processes.sendSignal(pidfd, signal);
    } catch (SyscallException e) {
      if (!e.is(Errno.ESRCH)) {
        throw e;
      }
    }
  }

  /**
   * Kills every process in it, also those that are born meanwhile, and waits until they are gone; a
   * frozen one is thawed.
   *
   * @return whether it is empty now; false after 10 s
   */
  public boolean killAll() throws IOException {
    String unified = folders.version2();
    boolean atOnce =
        folders.unified()
            && unified != null
            && KernelFeature.CGROUP_KILL.inUse()
            && killAtOnce(unified);
    long end = System.nanoTime() + KILLING.toNanos();
    long pause = 200_000;
    while (true) {
      List<Integer> pids = pids();
      if (pids.isEmpty()) {
        return true;
      }
      if (!atOnce) {
        for (int pid : pids) {
          signal(pid, Signal.SIGKILL.number());
        }
        thawIfFrozen();
      }
      if (System.nanoTime() > end) {
        return false;
      }
      var _ = Sleeper.SYSTEM.pause(Duration.ofNanos(pause));
      pause = Math.min(pause * 2, 50_000_000);
    }
  }

  /** False if the cgroup is gone. */
  private static boolean killAtOnce(String folder) throws IOException {
    try {
      ControlFiles.write(folder, "cgroup.kill", "1");
      return true;
    } catch (SyscallException e) {
      if (ControlFiles.isAbsent(e)) {
        return false;
      }
      throw e;
    }
  }

  /** Stops every process in it; they are stopped when it returns. */
  public void freeze() throws IOException {
    String freezer = folders.of("freezer");
    String unified = folders.version2();
    long end = System.nanoTime() + FREEZING.toNanos();
    if (freezer != null) {
      ControlFiles.write(freezer, "freezer.state", "FROZEN");
    } else if (unified != null) {
      ControlFiles.write(unified, "cgroup.freeze", "1");
    }
    while (!isFrozen()) {
      if (System.nanoTime() > end) {
        thaw();
        throw new BerthException.Unknown(
            "freeze cgroup `" + path + "`: not all of its processes stopped within 5 s");
      }
      var _ = Sleeper.SYSTEM.pause(Duration.ofNanos(500_000));
      if (freezer != null) {
        // A process that was born meanwhile keeps version 1 at FREEZING until it is asked again
        // (freezer-subsystem.rst).
        ControlFiles.write(freezer, "freezer.state", "FROZEN");
      }
    }
  }

  /** Lets the processes go on. */
  public void thaw() throws IOException {
    String freezer = folders.of("freezer");
    String unified = folders.version2();
    if (freezer != null) {
      ControlFiles.write(freezer, "freezer.state", "THAWED");
    } else if (unified != null) {
      ControlFiles.write(unified, "cgroup.freeze", "0");
    }
  }

  /** Whether all of it stands still; false when it is gone. */
  public boolean isFrozen() throws IOException {
    String freezer = folders.of("freezer");
    if (freezer != null) {
      return "FROZEN".equals(ControlFiles.readIfThere(freezer, "freezer.state"));
    }
    String unified = folders.version2();
    String events = unified == null ? null : ControlFiles.readIfThere(unified, "cgroup.events");
    return events != null && events.lines().anyMatch("frozen 1"::equals);
  }

  private void thawIfFrozen() throws IOException {
    String freezer = folders.of("freezer");
    if (freezer == null || !isFrozen()) {
      return;
    }
    thaw();
  }

  /**
   * Removes its folders and those below, with patience for processes that are about to be gone.
   *
   * @throws IOException if something is left after 5 s
   */
  public void remove() throws IOException {
    long end = System.nanoTime() + REMOVAL.toNanos();
    for (String folder : all()) {
      long pause = 200_000;
      while (true) {
        try {
          removeTree(Path.of(folder));
          break;
        } catch (FileSystemException e) {
          if (System.nanoTime() > end) {
            throw e;
          }
          var _ = Sleeper.SYSTEM.pause(Duration.ofNanos(pause));
          pause = Math.min(pause * 2, 50_000_000);
        }
      }
    }
  }

  /** Removes the folder above in each hierarchy if nothing is in it any more. */
  public void removeEmptyParent() {
    for (String folder : all()) {
      Path parent = Path.of(folder).getParent();
      try {
        if (parent != null) {
          Files.deleteIfExists(parent);
        }
      } catch (IOException inUse) {
        // Cgroups of other containers are in it.
      }
    }
  }

  private static void removeTree(Path folder) throws IOException {
    try {
      Files.deleteIfExists(folder);
    } catch (NotDirectoryException e) {
      // A file, which goes with its cgroup.
    } catch (DirectoryNotEmptyException | RuntimeException e) {
      removeChildren(folder);
      Files.deleteIfExists(folder);
    } catch (FileSystemException e) {
      // The kernel answers EBUSY for folders below, and for processes that are not quite gone.
      removeChildren(folder);
      Files.deleteIfExists(folder);
    }
  }

  private static void removeChildren(Path folder) throws IOException {
    for (Path child : children(folder)) {
      removeTree(child);
    }
  }
}
