package io.berth.image.rootfs;

import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.tar.TarParser;
import io.berth.base.tar.TarWriter;
import io.berth.image.codec.ByteSource;
import io.berth.image.codec.Decoder;
import io.berth.image.codec.OtherPackings;
import io.berth.image.disk.ImagePaths;
import io.berth.image.snapshot.SnapshotInfo;
import io.berth.image.snapshot.Snapshots;
import io.berth.image.tree.Change;
import io.berth.image.tree.MergedTree;
import io.berth.image.tree.TreeComparison;
import io.berth.image.tree.TreeTar;
import io.berth.image.unpack.FolderExtractor;
import io.berth.image.volume.VolumeStore;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Namespaces;
import io.berth.linux.OpenFlags;
import io.berth.linux.Overlays;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Looks into a container's root file system, and writes to it. Reading a snapshot alone mounts
 * nothing. Thread-safe; for platform threads that do this one thing and end.
 */
@Singleton
public final class RootfsFiles {
  private static final Pattern PROCESS_ROOT = Pattern.compile("/proc/([1-9][0-9]*)/root");
  private static final int MAX_STATUS = 64 << 10;

  private final Snapshots snapshots;
  private final Path stage;
  private final VolumeStore volumes;
  private final Overlays overlays;

  @Inject
  public RootfsFiles(Snapshots snapshots, ImagePaths paths, VolumeStore volumes, Config config) {
    this.volumes = volumes;
    this.snapshots = snapshots;
    this.stage = paths.stage();
    this.overlays = config.overlays();
  }

  /** The file, directory or link at a path. */
  public record Found(String name, long size, int mode, Instant modified, String linkTarget) {}

  /** Says whose files a call is about. */
  public sealed interface Tree {
    /** The files of a snapshot as they are stored. */
    record Stored(Snapshots.Key key) implements Tree {}

    /**
     * The files that a container will show once it is started, with what it mounts.
     *
     * @param mounts in the order of mounting
     * @param readOnly its root is, for itself
     */
    record Stopped(Snapshots.Key key, List<ContainerMount> mounts, boolean readOnly)
        implements Tree {
      public Stopped {
        mounts = List.copyOf(mounts);
      }
    }

    /** The files below a folder, such as the root of a running container with all its mounts. */
    record Live(Path root) implements Tree {}
  }

  /** An open tree, and what has to be closed with it. */
  private record View(MergedTree tree, @Nullable Fd root, @Nullable StoppedTree stopped)
      implements AutoCloseable {
    static View of(StoppedTree stopped) {
      return new View(MergedTree.at(stopped.root()), stopped.root(), stopped);
    }

    static View of(Fd live) {
      return new View(MergedTree.at(live), live, null);
    }

    static View ofProcess(Fd root, int self) {
      return new View(MergedTree.ofProcess(root, self), root, null);
    }

    Fd writable() {
      return Objects.requireNonNull(root, "opened to be read");
    }

    @Override
    public void close() throws IOException {
      tree.close();
      if (stopped != null) {
        stopped.close();
      } else if (root != null) {
        root.close();
      }
    }
  }

  private View view(Tree tree, StoppedTree.Use use) throws IOException {
    return switch (tree) {
      case Tree.Stored(Snapshots.Key key) ->
          use == StoppedTree.Use.READ
              ? new View(open(key), null, null)
              : view(new Tree.Stopped(key, List.of(), /* readOnly= */ false), use);
      case Tree.Stopped stopped -> View.of(assemble(stopped, use));
      case Tree.Live(Path root) -> live(root);
    };
  }

  private StoppedTree assemble(Tree.Stopped stopped, StoppedTree.Use use) throws IOException {
    Snapshots.Key key = stopped.key;
    return StoppedTree.assemble(
        stage,
        overlays,
        new StoppedTree.Layers(snapshots.folders(key), snapshots.isLayered(key.snapshotter())),
        stopped.mounts,
        volumes::mountAt,
        use);
  }

  /**
   * Opens a live root. A path {@code /proc/PID/root} is refused unless that process has a mount
   * namespace of its own: the container may have ended since somebody looked, and its process
   * number may by now be that of a process of the host, whose root is the host's files.
   */
  private static View live(Path root) throws IOException {
    Matcher process = PROCESS_ROOT.matcher(root.toString());
    if (!process.matches()) {
      return View.of(Fd.open(root, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY));
    }
    try (Fd folder =
            Fd.open(Path.of("/proc", process.group(1)), OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
        Fd mounts = Fd.openAt(folder, "ns/mnt", OpenFlags.O_RDONLY, 0);
        Fd own = Namespaces.openOwn(Namespaces.Kind.MOUNT)) {
      if (Namespaces.inode(mounts) != Namespaces.inode(own)) {
        int self = numberInside(folder);
        return View.ofProcess(
            Fd.openAt(folder, "root", OpenFlags.O_PATH | OpenFlags.O_DIRECTORY, 0), self);
      }
    } catch (SyscallException e) {
      if (!e.is(Errno.ENOENT) && !e.is(Errno.ESRCH)) {
        throw e;
      }
    }
    throw new BerthException.NotFound(
        "files below `" + root + "`: the container has ended; try again");
  }

  /** A process's number in its own namespace, which is the last of those that proc(5) tells. */
  private static int numberInside(Fd process) throws SyscallException {
    try (Fd status = Fd.openAt(process, "status", OpenFlags.O_RDONLY, 0)) {
      String text = new String(status.readAll(MAX_STATUS), StandardCharsets.ISO_8859_1);
      return text.lines()
          .filter(line -> line.startsWith("NSpid:"))
          .map(line -> line.substring(line.lastIndexOf('\t') + 1).strip())
          .mapToInt(Integer::parseInt)
          .findFirst()
          .orElse(0);
    }
  }

  /** Opens a tree to be read, without what a stopped container mounts. The caller closes it. */
  public MergedTree open(Tree tree) throws IOException {
    return switch (tree) {
      case Tree.Stored(Snapshots.Key key) -> open(key);
      case Tree.Stopped(Snapshots.Key key, var _, var _) -> open(key);
      case Tree.Live(Path root) -> MergedTree.open(List.of(root), /* layered= */ false);
    };
  }

  private MergedTree open(Snapshots.Key key) throws IOException {
    return MergedTree.open(snapshots.folders(key), snapshots.isLayered(key.snapshotter()));
  }

  /** The changes of a snapshot against its parent. */
  public List<Change> changes(Snapshots.Key key) throws IOException {
    SnapshotInfo info = snapshots.stat(key);
    boolean layered = snapshots.isLayered(key.snapshotter());
    List<Path> before =
        info.parent().isEmpty()
            ? List.of()
            : snapshots.folders(
                new Snapshots.Key(key.namespace(), key.snapshotter(), info.parent()));
    if (before.isEmpty()) {
      throw new BerthException.FailedPrecondition(
          "compare snapshot \"" + key.key() + "\": it has no parent");
    }
    try (MergedTree now = open(key);
        MergedTree old = MergedTree.open(before, layered)) {
      return TreeComparison.changes(now, old, layered);
    }
  }

  /** Writes the whole tree of a snapshot as an archive. */
  public void export(Snapshots.Key key, OutputStream out) throws IOException {
    try (MergedTree tree = open(key)) {
      TarWriter writer = new TarWriter(out);
      new TreeTar(tree, writer).writeAll(tree.root(), "");
      writer.finish();
    }
  }

  /**
   * Writes a file or folder as an archive in which the first name is the last component of the
   * path.
   */
  public void archive(Tree files, String path, OutputStream out) throws IOException {
    try (View view = view(files, StoppedTree.Use.READ)) {
      MergedTree tree = view.tree;
      MergedTree.Node node = find(view, path);
      TarWriter writer = new TarWriter(out);
      String name = node.path().isEmpty() ? "." : lastOf(path, node);
      new TreeTar(tree, writer).writeAll(node, name);
      writer.finish();
    }
  }

  /** What a path names; a link is not followed unless the path ends with a slash. */
  public Found stat(Tree files, String path) throws IOException {
    try (View view = view(files, StoppedTree.Use.READ)) {
      MergedTree tree = view.tree;
      MergedTree.Node node = find(view, path);
      var status = node.status();
      return new Found(
          node.path().isEmpty() ? "/" : lastOf(path, node),
          status.size(),
          status.mode(),
          status.modified().toInstant(),
          status.isSymbolicLink() ? tree.readLink(node) : "");
    }
  }

  /**
   * Looks up a user and groups by the files that list them in the tree, mounts included.
   *
   * @param user {@code USER[:GROUP]}; empty for the superuser
   */
  public ContainerUser user(Tree files, String user, List<String> groups) throws IOException {
    try (View view = view(files, StoppedTree.Use.READ)) {
      return UserDatabase.of(view.tree).find(user, groups);
    }
  }

  private static String lastOf(String path, MergedTree.Node node) {
    String trimmed = path.replaceAll("/+$", "");
    String last = trimmed.substring(trimmed.lastIndexOf('/') + 1);
    return last.isEmpty() || last.equals(".") || last.equals("..") ? node.name() : last;
  }

  private static MergedTree.Node find(View view, String path) throws IOException {
    boolean follow = path.endsWith("/") || path.endsWith("/.");
    MergedTree.Node node = path.length() > 4096 ? null : find(view.tree, path, follow);
    if (view.stopped != null) {
      view.stopped.checkSeen(node == null ? cleaned(path) : node.path());
    }
    if (node == null) {
      throw new BerthException.NotFound(
          "path `"
              + (path.length() > 200 ? path.substring(0, 200) + "..." : path)
              + "`: no such file or directory");
    }
    return node;
  }

  /** Says of a look that fails which of the container's paths it was at, and not where that is. */
  private static MergedTree.@Nullable Node find(MergedTree tree, String path, boolean follow) {
    try {
      return tree.find(path, follow);
    } catch (SyscallException e) {
      throw new BerthException.FailedPrecondition("path `" + path + "`: " + e.errno().text(), e);
    }
  }

  /**
   * Unpacks an archive into a folder of the tree.
   *
   * @param path of the folder
   * @param overwrite whether a folder may be replaced by a file, and a file by a folder
   * @return the number of entries
   */
  public long extract(Tree files, String path, boolean overwrite, ByteSource archive)
      throws IOException {
    Snapshots.Key key =
        switch (files) {
          case Tree.Stored(Snapshots.Key stored) -> stored;
          case Tree.Stopped stopped -> stopped.key;
          case Tree.Live _ -> null;
        };
    if (key != null && snapshots.stat(key).kind() != SnapshotInfo.Kind.ACTIVE) {
      throw new BerthException.FailedPrecondition(
          "write to snapshot \"" + key.key() + "\": it is not active");
    }
    long entries;
    try (View view = view(files, StoppedTree.Use.WRITE)) {
      entries = extract(files, view, path, overwrite, archive);
    } catch (IOException | RuntimeException e) {
      checkPresent(key, e);
      throw e;
    }
    checkPresent(key, null);
    return entries;
  }

  /** Fails if the container was removed meanwhile, for it took with it what was copied. */
  private void checkPresent(Snapshots.@Nullable Key key, @Nullable Exception cause) {
    if (key != null && snapshots.find(key) == null) {
      String text = "write to snapshot \"" + key.key() + "\": it was removed meanwhile";
      throw cause == null
          ? new BerthException.NotFound(text)
          : new BerthException.NotFound(text, cause);
    }
  }

  private static long extract(
      Tree files, View view, String path, boolean overwrite, ByteSource archive)
      throws IOException {
    MergedTree.Node node = find(view.tree, path, /* follow= */ true);
    String inside = node == null ? cleaned(path) : node.path();
    if (view.stopped != null) {
      boolean readOnly = files instanceof Tree.Stopped stopped && stopped.readOnly;
      view.stopped.checkWritable(inside, readOnly);
    }
    if (node == null) {
      throw new BerthException.NotFound("path `" + path + "`: no such file or directory");
    }
    if (!node.status().isDirectory()) {
      throw new BerthException.InvalidArgument("extraction point is not a directory");
    }
    try (RootedFiles root = RootedFiles.at(view.writable(), RootedFiles.Confinement.IN_ROOT)) {
      FolderExtractor extractor = new FolderExtractor(root, inside, overwrite);
      read(OtherPackings.readable("copy archive", archive), extractor);
      return extractor.finish();
    }
  }

  /** The path of something that does not exist, relative to the root and without {@code ..}. */
  private static String cleaned(String path) {
    return Path.of("/").relativize(Path.of("/" + path).normalize()).toString();
  }

  private static void read(ByteSource archive, FolderExtractor extractor) throws IOException {
    TarParser parser = new TarParser(extractor.sink());
    try (Arena arena = Arena.ofShared();
        Decoder decoder = new Decoder(parser::push)) {
      MemorySegment buffer = arena.allocate(128 << 10, 64);
      for (int count = archive.read(buffer); count >= 0; count = archive.read(buffer)) {
        decoder.push(buffer.asSlice(0, count));
      }
      decoder.finish();
      parser.finish();
    } finally {
      extractor.abandon();
    }
  }
}
