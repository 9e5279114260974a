package io.berth.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/**
 * What a {@link RecordingDisk} has recorded, and the disks of power cuts in it: all writes before
 * the last flush, and any of those since.
 */
final class DiskLog implements AutoCloseable {
  private static final int HEADER = 16;
  private static final int BLOCK = 4096;
  private static final int CANDIDATES = 20;

  private record Entry(long offset, int length, boolean flush, long data) {
    long end() {
      return data + length;
    }
  }

  /** What becomes of the writes that no flush has followed. */
  enum Unsynced {
    /** None has reached the disk. */
    LOST,
    /** Some have. */
    SOME,
    /** Some blocks of them have. */
    TORN,
    /** Nearly all have. */
    MOST
  }

  /**
   * A moment in which the power goes.
   *
   * @param entry how many writes and flushes the disk has taken
   * @param position where the recording was then, as {@link RecordingDisk#position} counts
   */
  record Cut(int entry, long position, Unsynced unsynced, long seed) {}

  private final FileChannel log;
  private final List<Entry> entries = new ArrayList<>();

  /** The disk with all writes before a flush, which is moved on from cut to cut. */
  private final Path kept;

  private int applied;

  /**
   * Reads the recording up to a position.
   *
   * @param kept a file of its own, a copy of the disk before its first write
   */
  DiskLog(Path recording, long end, Path kept) throws IOException {
    this.kept = kept;
    log = FileChannel.open(recording, StandardOpenOption.READ);
    ByteBuffer header = ByteBuffer.allocate(HEADER).order(ByteOrder.nativeOrder());
    long at = 0;
    while (at + HEADER <= end) {
      header.clear();
      if (log.read(header, at) != HEADER) {
        break;
      }
      Entry entry =
          new Entry(header.getLong(0), header.getInt(8), header.getInt(12) != 0, at + HEADER);
      if (entry.end() > end) {
        break;
      }
      entries.add(entry);
      at = entry.end();
    }
  }

  /**
   * Cuts from a position on, in the order of time: half of them at any moment, half where much is
   * unsynced, for a disk that is asked to flush every few writes has little to lose at most
   * moments.
   */
  List<Cut> cuts(int count, long from, Random random) {
    int first = 0;
    while (first < entries.size() && entries.get(first).end() <= from) {
      first++;
    }
    int[] unsynced = new int[entries.size()];
    for (int i = 1; i < unsynced.length; i++) {
      unsynced[i] = entries.get(i).flush() ? 0 : unsynced[i - 1] + 1;
    }
    List<Cut> cuts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int last = random.nextInt(first, entries.size());
      for (int j = 0; i % 2 == 0 && j < CANDIDATES; j++) {
        int other = random.nextInt(first, entries.size());
        last = unsynced[other] > unsynced[last] ? other : last;
      }
      Unsynced fate = Unsynced.values()[random.nextInt(Unsynced.values().length)];
      cuts.add(new Cut(last + 1, entries.get(last).end(), fate, random.nextLong()));
    }
    cuts.sort(Comparator.comparingInt(Cut::entry));
    return cuts;
  }

  /** How many of the entries are flushes. */
  String counts() {
    return entries.size() + " of which flushes " + entries.stream().filter(Entry::flush).count();
  }

  /**
   * Makes the disk that a cut leaves. Cuts are to be asked for in the order of time.
   *
   * @return how many writes have followed the last flush
   */
  int disk(Cut cut, Path image) throws IOException {
    int flush = cut.entry();
    while (flush > applied && !entries.get(flush - 1).flush()) {
      flush--;
    }
    try (FileChannel disk = FileChannel.open(kept, StandardOpenOption.WRITE)) {
      for (; applied < flush; applied++) {
        copy(entries.get(applied), 0, entries.get(applied).length(), disk);
      }
    }
    Command.run("cp", "--sparse=always", kept.toString(), image.toString()).exits(0);
    Random random = new Random(cut.seed());
    try (FileChannel disk = FileChannel.open(image, StandardOpenOption.WRITE)) {
      for (Entry entry : entries.subList(flush, cut.entry())) {
        reach(entry, cut.unsynced(), random, disk);
      }
    }
    return cut.entry() - flush;
  }

  private void reach(Entry entry, Unsynced unsynced, Random random, FileChannel disk)
      throws IOException {
    switch (unsynced) {
      case LOST -> {}
      case SOME, MOST -> {
        if (random.nextInt(10) < (unsynced == Unsynced.SOME ? 5 : 9)) {
          copy(entry, 0, entry.length(), disk);
        }
      }
      case TORN -> {
        for (int at = 0; at < entry.length(); at += BLOCK) {
          if (random.nextBoolean()) {
            copy(entry, at, Math.min(BLOCK, entry.length() - at), disk);
          }
        }
      }
    }
  }

  private void copy(Entry entry, int from, int length, FileChannel disk) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    while (bytes.hasRemaining() && log.read(bytes, entry.data() + from + bytes.position()) > 0) {
      // Reads on.
    }
    bytes.flip();
    while (bytes.hasRemaining()) {
      disk.write(bytes, entry.offset() + from + bytes.position());
    }
  }

  @Override
  public void close() {
    try {
      log.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
