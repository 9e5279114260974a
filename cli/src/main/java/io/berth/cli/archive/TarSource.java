package io.berth.cli.archive;

import io.berth.base.tar.TarEntry;
import io.berth.base.tar.TarWriter;
import io.berth.linux.DirectoryEntry;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
import io.berth.linux.FileTimestamp;
import io.berth.linux.OpenFlags;
import io.berth.linux.RootedFiles;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads a file tree as a tar in which everything belongs to root unless owners are kept. Links stay
 * links. Sockets have no place in a tar and are left out.
 */
public final class TarSource extends InputStream {
  private static final int PIPE = 1 << 20;

  private final PipedInputStream in = new PipedInputStream(PIPE);
  private volatile @Nullable IOException failure;

  /**
   * Begins to read the tree, on a thread of its own.
   *
   * @param source a file or folder
   * @param top its name in the archive; empty for only what the folder holds
   * @param owners whether the archive says whose the files are
   */
  public TarSource(Path source, String top, boolean owners) throws IOException {
    PipedOutputStream out = new PipedOutputStream(in);
    Thread.ofPlatform()
        .daemon()
        .name("tar")
        .start(() -> {
          try (out) {
            copy(source, top, owners, out);
          } catch (IOException e) {
            // The reader has closed its side.
            failure = e;
          }
        });
  }

  /** Keeps a failure where the reader finds it when it meets the end. */
  private void copy(Path source, String top, boolean owners, OutputStream out) {
    Path parent = source.getParent();
    try (RootedFiles files =
        RootedFiles.open(parent == null ? source : parent, RootedFiles.Confinement.BENEATH)) {
      new Walk(files, parent == null ? source : parent, owners, new TarWriter(out))
          .write(parent == null ? "." : String.valueOf(source.getFileName()), top);
    } catch (IOException e) {
      failure = e;
    }
  }

  /** Writes files below a folder. */
  private record Walk(RootedFiles files, Path folder, boolean owners, TarWriter out) {
    private record Item(String path, String name) {}

    void write(String path, String name) throws IOException {
      Deque<Item> open = new ArrayDeque<>();
      open.push(new Item(path, name));
      while (!open.isEmpty()) {
        Item item = open.pop();
        FileStatus status = files.status(item.path);
        switch (status.type()) {
          case OpenFlags.S_IFDIR -> {
            if (!item.name.isEmpty()) {
              out.entry(entry(item.name + "/", TarEntry.Type.DIRECTORY, status, ""));
            }
            for (DirectoryEntry child : files.list(item.path)) {
              String below = item.name.isEmpty() ? child.name() : item.name + "/" + child.name();
              open.push(new Item(item.path + "/" + child.name(), below));
            }
          }
          case OpenFlags.S_IFLNK ->
              out.entry(
                  entry(item.name, TarEntry.Type.SYMBOLIC_LINK, status, files.readLink(item.path)));
          case OpenFlags.S_IFREG -> file(item);
          case OpenFlags.S_IFIFO -> out.entry(entry(item.name, TarEntry.Type.FIFO, status, ""));
          case OpenFlags.S_IFCHR ->
              out.entry(entry(item.name, TarEntry.Type.CHARACTER_DEVICE, status, ""));
          case OpenFlags.S_IFBLK ->
              out.entry(entry(item.name, TarEntry.Type.BLOCK_DEVICE, status, ""));
          default -> {
            if (item.path.equals(path)) {
              throw new IOException("`" + folder.resolve(path) + "` is a socket");
            }
          }
        }
      }
      out.finish();
    }

    private void file(Item item) throws IOException {
      byte[] buffer = new byte[64 << 10];
      try (Fd fd = files.open(item.path, OpenFlags.O_RDONLY | OpenFlags.O_NOFOLLOW)) {
        FileStatus status = fd.status();
        out.entry(entry(item.name, TarEntry.Type.FILE, status, ""));
        for (long left = status.size(); left > 0; ) {
          int count = fd.read(buffer, 0, (int) Math.min(buffer.length, left));
          if (count == 0) {
            throw new IOException(
                "`" + folder.resolve(item.path) + "` became shorter while it was read");
          }
          out.content(buffer, 0, count);
          left -= count;
        }
      }
    }

    private TarEntry entry(String name, TarEntry.Type type, FileStatus status, String link) {
      return new TarEntry(
          name,
          type,
          status.permissions(),
          owners ? status.uid() : 0,
          owners ? status.gid() : 0,
          type == TarEntry.Type.FILE ? status.size() : 0,
          // Whole seconds need no record of their own before the entry.
          new FileTimestamp(status.modified().seconds(), 0),
          link,
          status.special().major(),
          status.special().minor(),
          Map.of());
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    int count = in.read(bytes, offset, length);
    IOException failed = failure;
    if (count < 0 && failed != null) {
      throw failed;
    }
    return count;
  }

  /** Ends the reading thread at its next write. */
  @Override
  public void close() throws IOException {
    in.close();
  }
}
