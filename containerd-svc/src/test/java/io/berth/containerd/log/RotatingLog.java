package io.berth.containerd.log;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;

/** Writes log files as the supervisor does: whole lines appended, files renamed from the oldest. */
final class RotatingLog {
  static final Instant BEGIN = Instant.parse("2026-01-01T10:00:00.000000001Z");

  final Path file;
  private final long maxSize;
  private final int maxFiles;
  private int written;

  RotatingLog(Path folder, long maxSize, int maxFiles) {
    this.file = folder.resolve("log");
    this.maxSize = maxSize;
    this.maxFiles = maxFiles;
  }

  /** A line a second after the one before. */
  RotatingLog line(String stream, String text) {
    return record(stream, "F", text);
  }

  RotatingLog record(String stream, String tag, String text) {
    return raw(BEGIN.plusSeconds(written++) + " " + stream + " " + tag + " " + text + "\n");
  }

  RotatingLog raw(String text) {
    try {
      if (maxSize > 0 && Files.exists(file) && Files.size(file) + text.length() > maxSize) {
        rotate();
      }
      Files.writeString(file, text, UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void rotate() throws IOException {
    if (maxFiles <= 1) {
      Files.delete(file);
      return;
    }
    for (int i = maxFiles - 1; i > 1; i--) {
      move(numbered(i - 1), numbered(i));
    }
    move(file, numbered(1));
  }

  private Path numbered(int index) {
    return file.resolveSibling("log." + index);
  }

  private static void move(Path from, Path to) throws IOException {
    if (Files.exists(from)) {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
