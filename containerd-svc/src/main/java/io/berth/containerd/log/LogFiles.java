package io.berth.containerd.log;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The files of one log, while a writer rotates them: names move from file to file, so a file is
 * known by its inode. A file that is held open keeps its number for itself.
 */
final class LogFiles {
  /** After so many looks the last one is taken as it is, because files are renamed all the time. */
  private static final int LOOKS = 100;

  private static final int HIGHEST = 100_000;

  private final Path folder;
  private final String name;

  LogFiles(Path file) {
    Path parent = file.getParent();
    if (parent == null) {
      throw new IllegalArgumentException("no absolute path: " + file);
    }
    this.folder = parent;
    this.name = file.getFileName().toString();
  }

  /** A file of the log, open for reading. */
  record Open(Object key, FileChannel channel) implements Closeable {
    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  private record Seen(Object key, Instant modified) {}

  /** The oldest file that was written to at or after a time; null when there is no file. */
  @Nullable Open oldest(@Nullable Instant since) throws IOException {
    for (int look = 0; look < LOOKS; look++) {
      NavigableMap<Integer, Seen> files = look();
      if (files.isEmpty()) {
        return null;
      }
      int first = files.firstKey();
      for (Map.Entry<Integer, Seen> file : files.descendingMap().entrySet()) {
        // File systems keep times less exactly than the entries in the files have them.
        if (since == null || !file.getValue().modified().isBefore(since.minusSeconds(1))) {
          first = file.getKey();
          break;
        }
      }
      Open open = open(first, files);
      if (open != null) {
        return open;
      }
    }
    return null;
  }

  /** The file that was begun next after this; null while this is the newest. */
  @Nullable Open after(Open current) throws IOException {
    return beside(current, /* newer= */ true);
  }

  /** The file that ended just before this; null for the oldest, and when this one has gone. */
  @Nullable Open before(Open current) throws IOException {
    return beside(current, /* newer= */ false);
  }

  private @Nullable Open beside(Open current, boolean newer) throws IOException {
    for (int look = 0; look < LOOKS; look++) {
      NavigableMap<Integer, Seen> files = look();
      Integer own = index(files, current.key());
      Integer wanted =
          own != null
              ? (newer ? files.lowerKey(own) : files.higherKey(own))
              // It was deleted by a rotation, so all files that are left are newer.
              : (newer && !files.isEmpty() ? files.lastKey() : null);
      if (wanted == null) {
        return null;
      }
      Open open = open(wanted, files);
      if (open != null) {
        return open;
      }
    }
    return null;
  }

  /** The newest file; null when there is none. */
  @Nullable Open newest() throws IOException {
    for (int look = 0; look < LOOKS; look++) {
      NavigableMap<Integer, Seen> files = look();
      if (files.isEmpty()) {
        return null;
      }
      Open open = open(files.firstKey(), files);
      if (open != null) {
        return open;
      }
    }
    return null;
  }

  private static @Nullable Integer index(Map<Integer, Seen> files, Object key) {
    for (Map.Entry<Integer, Seen> file : files.entrySet()) {
      if (file.getValue().key().equals(key)) {
        return file.getKey();
      }
    }
    return null;
  }

  /**
   * The files by their numbers, as two looks in turn found them, because a single look may fall
   * between two renames.
   */
  private NavigableMap<Integer, Seen> look() throws IOException {
    NavigableMap<Integer, Seen> last = list();
    for (int look = 0; look < LOOKS; look++) {
      NavigableMap<Integer, Seen> next = list();
      if (keys(last).equals(keys(next))) {
        return next;
      }
      last = next;
    }
    return last;
  }

  private static List<String> keys(Map<Integer, Seen> files) {
    return files.entrySet().stream()
        .map(file -> file.getKey() + " " + file.getValue().key())
        .toList();
  }

  private NavigableMap<Integer, Seen> list() throws IOException {
    NavigableMap<Integer, Seen> found = new TreeMap<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        int index = index(entry.getFileName().toString());
        Seen seen = index < 0 ? null : seen(entry);
        if (seen != null) {
          found.put(index, seen);
        }
      }
    } catch (NoSuchFileException e) {
      return found;
    }
    return found;
  }

  private int index(String file) {
    if (file.equals(name)) {
      return 0;
    }
    if (!file.startsWith(name + ".")) {
      return -1;
    }
    String digits = file.substring(name.length() + 1);
    if (!digits.matches("[1-9][0-9]{0,4}")) {
      return -1;
    }
    return Math.min(Integer.parseInt(digits), HIGHEST);
  }

  private static @Nullable Seen seen(Path file) throws IOException {
    try {
      BasicFileAttributes attributes =
          Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      Object key = attributes.fileKey();
      return attributes.isRegularFile() && key != null
          ? new Seen(key, attributes.lastModifiedTime().toInstant())
          : null;
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /** Opens a file. Null when its name has moved to another file meanwhile. */
  private @Nullable Open open(int index, Map<Integer, Seen> files) throws IOException {
    Path path = folder.resolve(index == 0 ? name : name + "." + index);
    Seen wanted = files.get(index);
    FileChannel channel;
    try {
      channel = FileChannel.open(path, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException e) {
      return null;
    }
    // The name led to the same inode before and after, so it did when the file was opened.
    Seen now = seen(path);
    if (wanted == null || now == null || !now.key().equals(wanted.key())) {
      channel.close();
      return null;
    }
    return new Open(wanted.key(), channel);
  }
}
