package io.berth.image.rootfs;

import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
import io.berth.linux.MountFlags;
import io.berth.linux.Mounts;
import io.berth.linux.Namespaces;
import io.berth.linux.OpenFlags;
import io.berth.linux.Overlays;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The files of a stopped container as its start would show them: its snapshot, and on it what it
 * mounts. All of it is mounted in a namespace of the thread's own, so nothing shows on the host,
 * and what a crash leaves ends with the process. Belongs to the throw-away platform thread that
 * assembled it.
 *
 * <p>A target that the image lacks is made, as a start makes it; by who only reads in a layer that
 * is thrown away. A target is resolved inside the container's root, link by link, so what an image
 * has there can lead nowhere else.
 *
 * <p>A tmpfs is an empty folder here that takes nothing, for what is written to it would be lost.
 * What cannot be mounted is told to those who look below its target, not to others: copying is how
 * files are rescued from a container that no longer starts.
 */
final class StoppedTree implements AutoCloseable {
  private static final int MAX_LINKS = 40;
  private static final Map<String, String> OPTIONS =
      Map.of("index", "off", "redirect_dir", "off", "metacopy", "off");

  /** Says what is done with the files. */
  enum Use {
    /** They are read; nothing that is stored changes. */
    READ,
    /** They are written, and what is written stays. */
    WRITE
  }

  /**
   * The folders of a snapshot.
   *
   * @param folders topmost first
   * @param layered they hold overlayfs' marks; otherwise the first holds all
   */
  record Layers(List<Path> folders, boolean layered) {}

  /** Says what became of one of the container's mounts. */
  private sealed interface Outcome {
    record Mounted() implements Outcome {}

    record Broken(String why) implements Outcome {}
  }

  /**
   * A mount that is attached at its target.
   *
   * @param path without links, and without a leading slash
   */
  private record Placed(String path, ContainerMount mount, Outcome outcome) {
    boolean covers(String inside) {
      return inside.equals(path) || inside.startsWith(path + "/");
    }
  }

  private final Path stage;
  private final Fd root;
  private final RootedFiles files;
  private final List<Placed> placed = new ArrayList<>();

  private StoppedTree(Path stage, Fd root) {
    this.stage = stage;
    this.root = root;
    this.files = RootedFiles.at(root, RootedFiles.Confinement.IN_ROOT);
  }

  /** Mounts volumes that are no folders, for the thread that looks into them. */
  interface Volumes {
    /** Mounts what belongs over a folder, if that is one of such a volume. */
    void mountAt(Path folder);
  }

  /**
   * Mounts the snapshot and on it what the container mounts.
   *
   * @param stage an empty folder, which serves any number of threads at a time
   * @param mounts in the order of mounting
   */
  static StoppedTree assemble(
      Path stage,
      Overlays overlays,
      Layers layers,
      List<ContainerMount> mounts,
      Volumes volumes,
      Use use)
      throws IOException {
    Namespaces.unshare(Namespaces.CLONE_FS | Namespaces.Kind.MOUNT.flag());
    // What the host unmounts meanwhile is unmounted here as well, but nothing that is mounted here
    // shows on the host (mount_namespaces(7), slave mounts).
    Mounts.mount(null, Path.of("/"), null, MountFlags.MS_REC | MountFlags.MS_SLAVE, null);
    List<Source> sources = new ArrayList<>();
    try {
      // The mounts' sources are opened before anything is mounted here, for the host's root may be
      // one of them.
      for (ContainerMount mount : mounts) {
        sources.add(source(mount, volumes));
      }
      Mounts.mount(
          "tmpfs", stage, "tmpfs", MountFlags.MS_NOSUID | MountFlags.MS_NODEV, "mode=0700,size=4m");
      boolean whole = false;
      try {
        StoppedTree tree = new StoppedTree(stage, mountRoot(stage, overlays, layers, use));
        for (Source source : sources) {
          tree.placed.add(tree.place(source));
        }
        whole = true;
        return tree;
      } finally {
        if (!whole) {
          Mounts.unmount(stage, MountFlags.MNT_DETACH);
        }
      }
    } finally {
      sources.forEach(Source::close);
    }
  }

  private static Fd mountRoot(Path stage, Overlays overlays, Layers layers, Use use)
      throws IOException {
    List<Path> folders = layers.folders;
    Path top = folders.getFirst();
    Fd root;
    if (use == Use.READ) {
      Path upper = Files.createDirectory(stage.resolve("upper"));
      FileStatus own = FileStatus.of(top);
      try (Fd folder = Fd.open(upper, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
        folder.changeOwner(own.uid(), own.gid());
        folder.changeMode(own.permissions());
      }
      Path work = Files.createDirectory(stage.resolve("work"));
      root = overlays.mount(layers.layered ? folders : List.of(top), upper, work, OPTIONS);
    } else if (layers.layered && folders.size() > 1) {
      root =
          overlays.mount(
              folders.subList(1, folders.size()), top, top.resolveSibling("work"), OPTIONS);
    } else {
      root = Mounts.cloneTree(top, /* recursive= */ false);
    }
    boolean whole = false;
    try {
      separate(root);
      Mounts.attach(root, Files.createDirectory(stage.resolve("root")));
      whole = true;
      return root;
    } finally {
      if (!whole) {
        root.close();
      }
    }
  }

  /**
   * Makes a clone of mounts private, so that what is mounted in it does not show where it was
   * cloned from (mount_namespaces(7), shared subtrees).
   */
  private static void separate(Fd mount) throws SyscallException {
    Mounts.setAttributes(
        mount, /* recursive= */ true, Mounts.Attributes.propagating(MountFlags.MS_PRIVATE));
  }

  /**
   * The mount for a target of the container, not yet attached to anything.
   *
   * @param tree null if there is none, for the reason given
   */
  private record Source(ContainerMount mount, @Nullable Fd tree, boolean folder, String why)
      implements AutoCloseable {
    @Override
    public void close() {
      if (tree != null) {
        tree.close();
      }
    }
  }

  private static Source source(ContainerMount mount, Volumes volumes) throws IOException {
    Path path = mount.source();
    if (path == null) {
      return new Source(mount, nothing(), true, "");
    }
    Fd tree;
    try {
      volumes.mountAt(path);
      tree = Mounts.cloneTree(path, mount.recursive());
    } catch (BerthException e) {
      return new Source(mount, nothing(), true, e.getMessage());
    } catch (SyscallException e) {
      String why =
          e.is(Errno.ENOENT)
              ? "its source `" + path + "` is not there"
              : "its source `" + path + "`: " + e.errno();
      return new Source(mount, nothing(), true, why);
    }
    boolean whole = false;
    try {
      separate(tree);
      if (mount.readOnly()) {
        Mounts.setAttributes(
            tree, mount.readOnlyBelow(), Mounts.Attributes.setting(MountFlags.MOUNT_ATTR_RDONLY));
      }
      Source source = new Source(mount, tree, tree.status().isDirectory(), "");
      whole = true;
      return source;
    } finally {
      if (!whole) {
        tree.close();
      }
    }
  }

  /** Makes a mount of an empty folder that cannot be written to. */
  private static Fd nothing() throws SyscallException {
    try (Mounts.FsContext context = Mounts.openFileSystem("tmpfs")) {
      return context.set("mode", "0755").create().mount(MountFlags.MOUNT_ATTR_RDONLY);
    }
  }

  private Placed place(Source source) throws IOException {
    ContainerMount mount = source.mount;
    String path = "";
    String why = source.why;
    try {
      path = target(mount.target(), source.folder);
      if (path.isEmpty()) {
        why = "its target is the root itself";
      } else {
        try (Fd at = files.open(path, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW)) {
          Mounts.attach(Objects.requireNonNull(source.tree), at);
        }
      }
    } catch (SyscallException e) {
      path = path.isEmpty() ? clean(mount.target()) : path;
      why = why.isEmpty() ? "it does not fit its target: " + e.errno() : why;
    }
    return new Placed(path, mount, why.isEmpty() ? new Outcome.Mounted() : new Outcome.Broken(why));
  }

  /**
   * Follows the path of a target inside the root, and makes those of its parts that are missing.
   */
  private String target(String target, boolean folder) throws SyscallException {
    Deque<String> rest = new ArrayDeque<>();
    push(rest, target);
    List<String> way = new ArrayList<>();
    int links = 0;
    while (!rest.isEmpty()) {
      String part = rest.pop();
      if (part.equals("..")) {
        if (!way.isEmpty()) {
          way.removeLast();
        }
        continue;
      }
      way.add(part);
      String here = String.join("/", way);
      FileStatus there = files.statusOrNull(here);
      if (there == null) {
        if (folder || !rest.isEmpty()) {
          files.makeDirectory(here, 0755);
        } else {
          files.create(here, 0755).close();
        }
      } else if (there.isSymbolicLink()) {
        if (++links > MAX_LINKS) {
          throw new SyscallException("open", here, Errno.ELOOP);
        }
        String content = files.readLink(here);
        way.removeLast();
        if (content.startsWith("/")) {
          way.clear();
        }
        push(rest, content);
      }
    }
    return String.join("/", way);
  }

  private static void push(Deque<String> rest, String path) {
    for (String part : List.of(path.split("/", -1)).reversed()) {
      if (!part.isEmpty() && !part.equals(".")) {
        rest.push(part);
      }
    }
  }

  private static String clean(String target) {
    return Path.of("/").relativize(Path.of("/" + target).normalize()).toString();
  }

  /** The descriptor of the root; closing this object closes it. */
  Fd root() {
    return root;
  }

  /**
   * FAILED_PRECONDITION if what stands there is not what the container would see.
   *
   * @param inside without links, and without a leading slash
   */
  void checkSeen(String inside) {
    Placed over = over(inside);
    if (over != null && over.outcome instanceof Outcome.Broken(String why)) {
      throw refused(inside, "mount `" + over.mount.target() + "` cannot be shown: " + why);
    }
  }

  /**
   * As {@link #checkSeen}, and FAILED_PRECONDITION if the container could not write there, or the
   * files would not be there when it starts.
   *
   * @param readOnly whether its root is
   */
  void checkWritable(String inside, boolean readOnly) {
    checkSeen(inside);
    Placed over = over(inside);
    if (over == null) {
      if (readOnly) {
        throw refused(inside, "container rootfs is marked read-only");
      }
    } else if (over.mount.source() == null) {
      throw refused(
          inside,
          "`"
              + over.mount.target()
              + "` is a tmpfs, which begins empty; start the container before");
    } else if (over.mount.readOnly()) {
      throw refused(inside, "mounted volume `" + over.mount.target() + "` is marked read-only");
    }
  }

  private static BerthException refused(String inside, String why) {
    return new BerthException.FailedPrecondition("copy at `/" + inside + "`: " + why);
  }

  /** The mount that shows at a path: the innermost one, and of several at one target the last. */
  private @Nullable Placed over(String inside) {
    Placed found = null;
    for (Placed each : placed) {
      if (each.covers(inside) && (found == null || each.path.length() >= found.path.length())) {
        found = each;
      }
    }
    return found;
  }

  @Override
  public void close() throws SyscallException {
    root.close();
    // The mounts go now, and not only when the thread ends, because the container may be started at
    // once.
    Mounts.unmount(stage, MountFlags.MNT_DETACH);
  }
}
