package io.berth.shim.cgroup;

import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Makes the folders of cgroups, so that what is below them has every controller. */
final class CgroupCreation {
  private static final int FOLDER_ATTEMPTS = 16;

  /** Marks the hierarchy in which each folder passes controllers on to those below. */
  private static final String DELEGATING = "(delegating)";

  private final CgroupLayout layout;

  CgroupCreation(CgroupLayout layout) {
    this.layout = layout;
  }

  /**
   * Makes the folders of one container. After a failure those are gone that were made.
   *
   * @throws BerthException.FailedPrecondition if processes live in one of them
   */
  void makeOwn(CgroupFolders folders) throws IOException {
    List<String> made = new ArrayList<>();
    try {
      for (CgroupFolders.Folder folder : folders.version1()) {
        makeOwn(folder.hierarchy(), folder.path(), made);
      }
      if (folders.version2() != null) {
        makeOwn(version2(), folders.version2(), made);
      }
    } catch (IOException | RuntimeException e) {
      for (String folder : made) {
        Files.deleteIfExists(Path.of(folder));
      }
      throw e;
    }
  }

  private CgroupLayout.Hierarchy version2() {
    List<String> kind = layout.unified() ? List.of(DELEGATING) : List.of();
    return new CgroupLayout.Hierarchy(String.valueOf(layout.version2()), kind);
  }

  private static void makeOwn(CgroupLayout.Hierarchy hierarchy, String folder, List<String> made)
      throws IOException {
    if (make(hierarchy, folder)) {
      made.add(folder);
    } else if (!ControlFiles.read(folder, "cgroup.procs").isEmpty()) {
      throw new BerthException.FailedPrecondition(
          "create cgroup `"
              + folder
              + "`: processes live in it; choose another cgroupsPath or end them");
    }
  }

  /** Makes the folders of a cgroup in which more than one container's processes live. */
  CgroupFolders makeShared(CgroupPath path) throws IOException {
    CgroupFolders folders = CgroupFolders.of(layout, path);
    for (CgroupFolders.Folder folder : folders.version1()) {
      make(folder.hierarchy(), folder.path());
    }
    if (folders.version2() != null) {
      make(version2(), folders.version2());
    }
    return folders;
  }

  /** Makes a folder, and those above it that are missing; false if it was there. */
  private static boolean make(CgroupLayout.Hierarchy hierarchy, String folder) throws IOException {
    String parent = folder.substring(0, folder.lastIndexOf('/'));
    for (int attempt = 0; ; attempt++) {
      try {
        if (parent.length() >= hierarchy.mount().length()
            && hierarchy.controllers().contains(DELEGATING)) {
          delegateControllers(hierarchy.mount(), parent);
        }
        Files.createDirectory(Path.of(folder));
        if (hierarchy.controllers().contains("cpuset")) {
          inherit(parent, folder, "cpuset.cpus");
          inherit(parent, folder, "cpuset.mems");
        }
        return true;
      } catch (FileAlreadyExistsException e) {
        return false;
      } catch (NoSuchFileException | SyscallException e) {
        boolean absent = !(e instanceof SyscallException s) || ControlFiles.isAbsent(s);
        // It is tried again, for somebody may remove the parent between two steps, with its last
        // child.
        if (!absent || attempt == FOLDER_ATTEMPTS || parent.equals(hierarchy.mount())) {
          throw e;
        }
        make(hierarchy, parent);
      }
    }
  }

  /** A new cpuset has no processor at all, and nobody could enter it (cpuset(7)). */
  private static void inherit(String parent, String folder, String file) throws IOException {
    ControlFiles.write(folder, file, ControlFiles.read(parent, file));
  }

  /**
   * In version 2 a folder has the controllers that the one above it passes on: all that the root
   * has, for a service manager may have made the folders in between for itself, with fewer.
   */
  private static void delegateControllers(String root, String folder) throws IOException {
    Set<String> all = words(root, "cgroup.controllers");
    if (words(folder, "cgroup.subtree_control").containsAll(all)) {
      return;
    }
    if (folder.length() > root.length() && !words(folder, "cgroup.controllers").containsAll(all)) {
      delegateControllers(root, folder.substring(0, folder.lastIndexOf('/')));
    }
    Set<String> wanted = words(folder, "cgroup.controllers");
    wanted.removeAll(words(folder, "cgroup.subtree_control"));
    for (String controller : wanted) {
      try {
        ControlFiles.write(folder, "cgroup.subtree_control", "+" + controller);
      } catch (SyscallException e) {
        // Some cannot be passed on here, as cpu while there are real-time tasks (cgroup-v2.rst),
        // or any while processes live in the folder; a limit that needs it will say so.
        if (!e.is(Errno.EINVAL) && !e.is(Errno.EBUSY) && !e.is(Errno.EOPNOTSUPP)) {
          throw e;
        }
      }
    }
  }

  private static Set<String> words(String folder, String file) throws SyscallException {
    Set<String> words =
        new LinkedHashSet<>(List.of(ControlFiles.read(folder, file).split(" ", -1)));
    words.remove("");
    return words;
  }
}
