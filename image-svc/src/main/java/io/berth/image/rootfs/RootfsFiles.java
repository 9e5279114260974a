package io.berth.image.rootfs;

import io.berth.base.error.BerthException;
import io.berth.image.codec.ByteSource;
import io.berth.image.codec.Decoder;
import io.berth.image.snapshot.SnapshotInfo;
import io.berth.image.snapshot.Snapshots;
import io.berth.image.tar.TarParser;
import io.berth.image.tar.TarWriter;
import io.berth.image.tree.Change;
import io.berth.image.tree.MergedTree;
import io.berth.image.tree.TreeComparison;
import io.berth.image.tree.TreeTar;
import io.berth.image.unpack.FolderExtractor;
import io.berth.linux.Fd;
import io.berth.linux.Mounts;
import io.berth.linux.RootedFiles;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Looks into a container's root file system, and writes to that of a stopped one. Reading mounts
 * nothing. Writing goes through an overlay that is attached nowhere, so that the kernel copies up
 * what it must. Thread-safe; for platform threads.
 */
public final class RootfsFiles {
  private final Snapshots snapshots;

  public RootfsFiles(Snapshots snapshots) {
    this.snapshots = snapshots;
  }

  /** What stands at a path. */
  public record Found(String name, long size, int mode, Instant modified, String linkTarget) {}

  /** Whose files are meant. */
  public sealed interface Tree {
    /** A snapshot's, as they are stored. */
    record Stored(Snapshots.Key key) implements Tree {}

    /** Those below a folder, such as a running container sees them with all its mounts. */
    record Live(Path root) implements Tree {}
  }

  /** Opens one to read. The caller closes it. */
  public MergedTree open(Tree tree) throws IOException {
    return switch (tree) {
      case Tree.Stored stored -> open(stored.key());
      case Tree.Live live -> MergedTree.open(List.of(live.root()), /* layered= */ false);
    };
  }

  private MergedTree open(Snapshots.Key key) throws IOException {
    return MergedTree.open(snapshots.folders(key), snapshots.isLayered(key.snapshotter()));
  }

  /** Changes against the parent (D01-31 to D01-41). */
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

  /** The whole tree as an archive (D01-61). */
  public void export(Snapshots.Key key, OutputStream out) throws IOException {
    try (MergedTree tree = open(key)) {
      TarWriter writer = new TarWriter(out);
      new TreeTar(tree, writer).writeAll(tree.root(), "");
      writer.finish();
    }
  }

  /** A file or folder as an archive whose first name is its last component (MB-07). */
  public void archive(Tree files, String path, OutputStream out) throws IOException {
    try (MergedTree tree = open(files)) {
      MergedTree.Node node = find(tree, path);
      TarWriter writer = new TarWriter(out);
      String name = node.path().isEmpty() ? "." : lastOf(path, node);
      new TreeTar(tree, writer).writeAll(node, name);
      writer.finish();
    }
  }

  /** What a path names, a link itself unless it ends with a slash (MB-11). */
  public Found stat(Tree files, String path) throws IOException {
    try (MergedTree tree = open(files)) {
      MergedTree.Node node = find(tree, path);
      var status = node.status();
      return new Found(
          node.path().isEmpty() ? "/" : lastOf(path, node),
          status.size(),
          status.mode(),
          status.modified().toInstant(),
          status.isSymbolicLink() ? tree.readLink(node) : "");
    }
  }

  private static String lastOf(String path, MergedTree.Node node) {
    String trimmed = path.replaceAll("/+$", "");
    String last = trimmed.substring(trimmed.lastIndexOf('/') + 1);
    return last.isEmpty() || last.equals(".") || last.equals("..") ? node.name() : last;
  }

  private static MergedTree.Node find(MergedTree tree, String path) throws IOException {
    boolean follow = path.endsWith("/") || path.endsWith("/.");
    MergedTree.Node node = path.length() > 4096 ? null : tree.find(path, follow);
    if (node == null) {
      throw new BerthException.NotFound(
          "path `"
              + (path.length() > 200 ? path.substring(0, 200) + "..." : path)
              + "`: no such file or directory");
    }
    return node;
  }

  /**
   * Unpacks an archive into a folder (MB-10).
   *
   * @param path of the folder
   * @param overwrite whether a folder may be replaced by a file, and a file by a folder
   * @return the number of entries
   */
  public long extract(Tree files, String path, boolean overwrite, ByteSource archive)
      throws IOException {
    if (files instanceof Tree.Stored(Snapshots.Key key)
        && snapshots.stat(key).kind() != SnapshotInfo.Kind.ACTIVE) {
      throw new BerthException.FailedPrecondition(
          "write to snapshot \"" + key.key() + "\": it is not active");
    }
    String inside;
    try (MergedTree tree = open(files)) {
      MergedTree.Node node = tree.find(path, /* followLast= */ true);
      if (node == null) {
        throw new BerthException.NotFound("path `" + path + "`: no such file or directory");
      }
      if (!node.status().isDirectory()) {
        throw new BerthException.InvalidArgument("extraction point is not a directory");
      }
      inside = node.path();
    }
    try (Fd mount = files instanceof Tree.Stored(Snapshots.Key key) ? mount(key) : null;
        RootedFiles root =
            mount == null
                ? folder(files)
                : RootedFiles.at(mount, RootedFiles.Confinement.IN_ROOT)) {
      FolderExtractor extractor = new FolderExtractor(root, inside, overwrite);
      read(archive, extractor);
      return extractor.finish();
    }
  }

  private @Nullable Fd mount(Snapshots.Key key) throws IOException {
    List<Path> folders = snapshots.folders(key);
    if (!snapshots.isLayered(key.snapshotter()) || folders.size() < 2) {
      return null;
    }
    Path upper = folders.getFirst();
    return Mounts.overlay(
        folders.subList(1, folders.size()),
        upper,
        upper.resolveSibling("work"),
        Map.of("index", "off", "redirect_dir", "off", "metacopy", "off"));
  }

  private RootedFiles folder(Tree files) throws IOException {
    Path root =
        switch (files) {
          case Tree.Stored stored -> snapshots.folders(stored.key()).getFirst();
          case Tree.Live live -> live.root();
        };
    return RootedFiles.open(root, RootedFiles.Confinement.IN_ROOT);
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
