package io.berth.cli.archive;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * Reads a file tree as a tar in which everything belongs to root. Links stay links, and what is
 * neither file nor folder nor link is refused.
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
   */
  public TarSource(Path source, String top) throws IOException {
    PipedOutputStream out = new PipedOutputStream(in);
    Thread.ofVirtual()
        .name("tar")
        .start(() -> {
          try (out) {
            copy(source, top, out);
          } catch (IOException e) {
            // The reader has closed its side.
            failure = e;
          }
        });
  }

  /** Keeps a failure where the reader finds it when it meets the end. */
  private void copy(Path source, String top, OutputStream out) {
    try {
      write(source, top, out);
    } catch (IOException e) {
      failure = e;
    }
  }

  private static void write(Path source, String top, OutputStream out) throws IOException {
    Files.walkFileTree(
        source,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path at, BasicFileAttributes attributes)
              throws IOException {
            String name = name(at);
            if (!name.isEmpty()) {
              header(out, at, name + "/", '5', attributes, "");
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path at, BasicFileAttributes attributes)
              throws IOException {
            if (attributes.isSymbolicLink()) {
              header(out, at, name(at), '2', attributes, Files.readSymbolicLink(at).toString());
            } else if (attributes.isRegularFile()) {
              header(out, at, name(at), '0', attributes, "");
              body(out, at, attributes.size());
            } else {
              throw new IOException("`" + at + "` is neither file nor folder nor link");
            }
            return FileVisitResult.CONTINUE;
          }

          private String name(Path at) {
            String below = source.relativize(at).toString();
            return top.isEmpty() ? below : below.isEmpty() ? top : top + "/" + below;
          }
        });
    out.write(new byte[2 * TarHeader.BLOCK]);
  }

  private static void header(
      OutputStream out,
      Path at,
      String name,
      char type,
      BasicFileAttributes attributes,
      String link)
      throws IOException {
    int mode = 0777;
    if (type != '2') {
      mode = Permissions.mode(Files.getPosixFilePermissions(at));
    }
    TarHeader header =
        new TarHeader(
            name,
            type,
            mode,
            type == '0' ? attributes.size() : 0,
            link,
            attributes.lastModifiedTime().toMillis() / 1000);
    for (byte[] block : header.blocks()) {
      out.write(block);
    }
  }

  private static void body(OutputStream out, Path at, long size) throws IOException {
    byte[] buffer = new byte[1 << 16];
    long left = size;
    try (InputStream in = Files.newInputStream(at)) {
      while (left > 0) {
        int count = in.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (count < 0) {
          throw new IOException("`" + at + "` became shorter while it was read");
        }
        out.write(buffer, 0, count);
        left -= count;
      }
    }
    out.write(new byte[(int) (-size & (TarHeader.BLOCK - 1))]);
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
