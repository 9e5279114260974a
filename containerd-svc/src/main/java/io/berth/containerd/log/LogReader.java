package io.berth.containerd.log;

import io.berth.base.error.BerthException;
import io.berth.base.time.Sleeper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One reading of a container's log, oldest first. For one thread, a virtual one where it follows:
 * it blocks in reading, in its sink and in its sleeper, and ends promptly when interrupted.
 *
 * <p>Following loses and doubles nothing while files are rotated, unless the writer discards a file
 * before it was read.
 */
public final class LogReader {
  private static final Duration SHORTEST_WAIT = Duration.ofMillis(10);
  private static final Duration LONGEST_WAIT = Duration.ofMillis(160);

  /** Twice the longest entry that is written; longer lines are no entries. */
  private static final int BUFFER = 32 << 10;

  private final Path path;
  private final LogFiles files;
  private final LogQuery query;
  private final InstantSource clock;
  private final Sleeper sleeper;
  private final byte[] buffer = new byte[BUFFER];
  private int filled;
  private boolean overlong;
  private boolean begun;
  private long offset;

  /** Where the log ended when a reading began that does not follow. */
  private @Nullable Object lastKey;

  private long lastSize = -1;

  /** A reading of the log whose newest file has this absolute path. Opens nothing yet. */
  public LogReader(Path path, LogQuery query, InstantSource clock, Sleeper sleeper) {
    this.path = path;
    this.files = new LogFiles(path);
    this.query = query;
    this.clock = clock;
    this.sleeper = sleeper;
  }

  /**
   * Gives the sink what the query asks for. A reading that does not follow returns when all is read
   * that was there when it began. One that follows returns once the container has ended and the
   * rest is read, or when the query's end has come. A log that does not exist is empty. UNAVAILABLE
   * when the disk cannot be read.
   *
   * @param ended whether nothing will be written any more
   */
  public void read(BooleanSupplier ended, LogSink sink) throws InterruptedException {
    try {
      follow(ended, sink);
    } catch (ClosedByInterruptException e) {
      // The reading was interrupted, and the thread's flag is still set.
      Thread.interrupted();
      throw (InterruptedException) new InterruptedException("read log").initCause(e);
    } catch (IOException e) {
      throw new BerthException.Unavailable("read log `" + path + "`: " + e.getMessage(), e);
    }
  }

  private void follow(BooleanSupplier ended, LogSink sink)
      throws IOException, InterruptedException {
    if (!query.follow() && !findEnd()) {
      return;
    }
    LogFiles.@Nullable Open file = null;
    Duration wait = SHORTEST_WAIT;
    try {
      while (true) {
        // This is asked before reading, so that all that was written before the end is read below.
        boolean last = !query.follow() || ended.getAsBoolean() || isOver();
        boolean progress = false;
        if (file == null) {
          file = first();
        }
        while (file != null) {
          progress |= drain(file, sink);
          LogFiles.Open next = file.key().equals(lastKey) ? null : files.after(file);
          if (next == null) {
            break;
          }
          // The file was complete before the next one was begun, but may have grown since it was
          // read.
          drain(file, sink);
          file.close();
          file = next;
          begin(0);
        }
        if (last) {
          return;
        }
        wait = progress ? SHORTEST_WAIT : min(wait.multipliedBy(2), LONGEST_WAIT);
        sleeper.sleep(wait);
      }
    } finally {
      if (file != null) {
        file.close();
      }
    }
  }

  private boolean findEnd() throws IOException {
    try (LogFiles.Open newest = files.newest()) {
      if (newest != null) {
        lastKey = newest.key();
        lastSize = newest.channel().size();
      }
      return newest != null;
    }
  }

  private boolean isOver() {
    Instant until = query.until();
    return until != null && clock.instant().isAfter(until);
  }

  private LogFiles.@Nullable Open first() throws IOException {
    if (query.tail() < 0 || begun) {
      return files.oldest(query.since());
    }
    // Where there was no log, all that appears later is new.
    begun = true;
    TailSearch.Start start = new TailSearch(files, query, lastKey, lastSize).find();
    if (start == null) {
      return null;
    }
    begin(start.offset());
    return start.file();
  }

  private void begin(long at) {
    offset = at;
    filled = 0;
    overlong = false;
  }

  /** Reads to the end of the file; bytes that no newline follows yet are kept for the next time. */
  private boolean drain(LogFiles.Open file, LogSink sink) throws IOException, InterruptedException {
    long size = file.channel().size();
    if (size < offset) {
      // On a full disk the writer takes back an entry that it could not write as a whole.
      begin(size);
    }
    boolean progress = false;
    long end = file.key().equals(lastKey) ? lastSize : Long.MAX_VALUE;
    while (true) {
      int room = Math.clamp(end - offset, 0, buffer.length - filled);
      int read = file.channel().read(ByteBuffer.wrap(buffer, filled, room), offset);
      if (read <= 0) {
        return progress;
      }
      progress = true;
      offset += read;
      int searched = filled;
      filled += read;
      give(searched, sink);
    }
  }

  private void give(int searched, LogSink sink) throws InterruptedException {
    int begin = 0;
    for (int i = searched; i < filled; i++) {
      if (buffer[i] == '\n') {
        LogEntry entry = overlong ? null : LogEntry.parse(buffer, begin, i);
        overlong = false;
        begin = i + 1;
        if (entry != null && query.wants(entry)) {
          sink.accept(entry);
        }
      }
    }
    if (begin == 0 && filled == buffer.length) {
      // No entry is so long, so the line is passed over up to its end.
      overlong = true;
      filled = 0;
      return;
    }
    System.arraycopy(buffer, begin, buffer, 0, filled - begin);
    filled -= begin;
  }

  private static Duration min(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }
}
