package io.berth.cli.archive;

import io.berth.cli.archive.TarHeader.TarException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes files of an untrusted tar, all below one folder: an entry is refused if its path leads
 * upwards or through a symbolic link. Files belong to whoever runs this, and devices are left out.
 * For one use, by one thread.
 */
public final class TarExtraction {
  private static final int MAX_RECORDS = 1 << 20;

  private final Path folder;
  private final String top;
  private final List<String> leftOut = new ArrayList<>();
  private final Map<Path, TarHeader> folders = new HashMap<>();

  /**
   * For a folder that exists.
   *
   * @param top what the first component of every name becomes; empty to leave it out
   */
  public TarExtraction(Path folder, String top) {
    this.folder = folder;
    this.top = top;
  }

  /**
   * Reads the archive to its end, and answers the names of what was left out. Blocks as long as the
   * stream does.
   */
  public List<String> read(InputStream in) throws IOException {
    Map<String, String> records = Map.of();
    byte[] block = new byte[TarHeader.BLOCK];
    while (in.readNBytes(block, 0, block.length) == block.length) {
      TarHeader header = TarHeader.read(block);
      if (header == null) {
        break;
      }
      if (header.type() == 'x' || header.type() == 'g') {
        if (header.size() > MAX_RECORDS) {
          throw new TarException("pax records of " + header.size() + " bytes");
        }
        Map<String, String> read = TarHeader.records(in.readNBytes((int) header.size()));
        records = header.type() == 'x' ? read : records;
        skip(in, padding(header.size()));
        continue;
      }
      entry(header.with(records), in);
      records = Map.of();
    }
    // What is left of the stream is padding, which is read so that the sender can end.
    in.transferTo(OutputStream.nullOutputStream());
    for (Map.Entry<Path, TarHeader> made : folders.entrySet()) {
      Files.setLastModifiedTime(
          made.getKey(), FileTime.fromMillis(made.getValue().modified() * 1000));
    }
    return leftOut;
  }

  private static long padding(long size) {
    return -size & (TarHeader.BLOCK - 1);
  }

  private static void skip(InputStream in, long bytes) throws IOException {
    in.skipNBytes(bytes);
  }

  private void entry(TarHeader header, InputStream in) throws IOException {
    Path target = inside(header.name());
    boolean hasBody = header.type() == '0';
    if (target.equals(folder) || !List.of('0', '1', '2', '5').contains(header.type())) {
      if (!target.equals(folder)) {
        leftOut.add(header.name());
      }
      skip(in, header.size() + padding(header.size()));
      return;
    }
    switch (header.type()) {
      case '5' -> folder(target, header);
      case '2' -> {
        clear(target);
        Files.createSymbolicLink(target, Path.of(header.link()));
      }
      case '1' -> {
        Path existing = inside(header.link());
        clear(target);
        Files.createLink(target, existing);
      }
      default -> file(target, header, in);
    }
    if (!hasBody) {
      skip(in, header.size() + padding(header.size()));
    }
  }

  /**
   * Where an entry goes. Each component on the way there is a folder and no link, or the entry is
   * refused.
   */
  private Path inside(String name) throws IOException {
    List<String> parts = new ArrayList<>();
    for (String part : name.split("/")) {
      if (part.equals("..") || part.indexOf('\0') >= 0) {
        throw new TarException("the entry `" + name + "` leads out of the folder");
      }
      if (!part.isEmpty() && !part.equals(".")) {
        parts.add(part);
      }
    }
    // "." names the copied folder itself, whose content comes without a first component.
    boolean unnamed = name.equals(".") || name.startsWith("./");
    if (!unnamed && !parts.isEmpty()) {
      parts.removeFirst();
    }
    if (!top.isEmpty()) {
      parts.addFirst(top);
    }
    Path at = folder;
    for (int i = 0; i < parts.size(); i++) {
      at = at.resolve(parts.get(i));
      if (i < parts.size() - 1 && !Files.isDirectory(at, LinkOption.NOFOLLOW_LINKS)) {
        throw new TarException("the entry `" + name + "` leads through what is no folder");
      }
    }
    return at;
  }

  private void folder(Path target, TarHeader header) throws IOException {
    if (!Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)) {
      if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
        throw new NotDirectoryException(target.toString());
      }
      Files.createDirectory(target);
      Files.setPosixFilePermissions(target, Permissions.of(header.mode()));
      folders.put(target, header);
    }
  }

  private static void file(Path target, TarHeader header, InputStream in) throws IOException {
    clear(target);
    try (OutputStream out =
        Files.newOutputStream(target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      byte[] buffer = new byte[1 << 16];
      for (long left = header.size(); left > 0; ) {
        int count = in.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (count < 0) {
          throw new EOFException("the archive ends in the middle of `" + header.name() + "`");
        }
        out.write(buffer, 0, count);
        left -= count;
      }
    }
    skip(in, padding(header.size()));
    Files.setPosixFilePermissions(target, Permissions.of(header.mode()));
    Files.setLastModifiedTime(target, FileTime.fromMillis(header.modified() * 1000));
  }

  private static void clear(Path target) throws IOException {
    if (Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)) {
      throw new DirectoryNotEmptyException(
          target + ": is a folder, and a file is to take its place");
    }
    Files.deleteIfExists(target);
  }
}
