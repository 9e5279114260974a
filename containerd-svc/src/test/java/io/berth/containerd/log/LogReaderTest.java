package io.berth.containerd.log;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.base.time.Sleeper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
final class LogReaderTest {
  private static final InstantSource CLOCK = InstantSource.fixed(RotatingLog.BEGIN);
  @TempDir private Path folder;

  private static LogQuery all() {
    return query(-1, null, null);
  }

  private static LogQuery query(long tail, @Nullable Instant since, @Nullable Instant until) {
    return new LogQuery(false, true, true, since, until, tail);
  }

  private static LogQuery following(long tail) {
    return new LogQuery(true, true, true, null, null, tail);
  }

  private List<String> read(LogQuery query) throws InterruptedException {
    List<String> lines = new ArrayList<>();
    reader(query, time -> {}).read(() -> true, entry -> lines.add(new String(entry.line(), UTF_8)));
    return lines;
  }

  private LogReader reader(LogQuery query, Sleeper sleeper) {
    return new LogReader(folder.resolve("log"), query, CLOCK, sleeper);
  }

  private RotatingLog log() {
    return new RotatingLog(folder, 0, 1);
  }

  @Test
  void entriesComeInOrder_withStreamTimeAndWholeness() throws InterruptedException {
    log()
        .line("stdout", "one")
        .record("stderr", "P", "half")
        .line("stderr", "")
        .line("stdout", " a b ");
    List<String> seen = new ArrayList<>();
    reader(all(), time -> {})
        .read(
            () -> true,
            entry ->
                seen.add(
                    Duration.between(RotatingLog.BEGIN, entry.at()).toSeconds()
                        + (entry.stderr() ? " err " : " out ")
                        + new String(entry.line(), UTF_8)
                        + (entry.partial() ? "..." : ".")));
    assertEquals(List.of("0 out one.", "1 err half...", "2 err .", "3 out  a b ."), seen);
  }

  @Test
  void aLogThatIsNotThere_isEmpty() throws InterruptedException {
    assertEquals(List.of(), read(all()));
    assertEquals(List.of(), read(query(3, null, null)));
  }

  @Test
  void streams_areChosen() throws InterruptedException {
    log().line("stdout", "o").line("stderr", "e").line("stdout", "p");
    assertEquals(List.of("o", "p"), read(new LogQuery(false, true, false, null, null, -1)));
    assertEquals(List.of("e"), read(new LogQuery(false, false, true, null, null, 1)));
    assertEquals(List.of("p"), read(new LogQuery(false, true, false, null, null, 1)));
    assertThrows(
        BerthException.InvalidArgument.class,
        () -> new LogQuery(false, false, false, null, null, -1));
  }

  @Test
  void times_bound() throws InterruptedException {
    RotatingLog log = new RotatingLog(folder, 120, 1000);
    IntStream.range(0, 10).forEach(i -> log.line("stdout", "l" + i));
    Instant third = RotatingLog.BEGIN.plusSeconds(3);
    assertEquals(List.of("l3", "l4", "l5"), read(query(-1, third, third.plusSeconds(2))));
    assertEquals(List.of(), read(query(-1, third, third.minusSeconds(1))));
    assertEquals(List.of("l9"), read(query(4, RotatingLog.BEGIN.plusSeconds(9), null)));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 2, 7, 19, 20, 21, Long.MAX_VALUE})
  void tail_countsLinesOverAllFiles(long tail) throws InterruptedException {
    RotatingLog log = new RotatingLog(folder, 150, 1000);
    List<String> lines = IntStream.range(0, 20).mapToObj(i -> "line" + i).toList();
    lines.forEach(line -> log.line("stdout", line));
    assertTrue(Files.exists(folder.resolve("log.5")), "it is several files");
    assertEquals(
        lines.subList((int) Math.max(0, lines.size() - tail), lines.size()),
        read(query(tail, null, null)));
  }

  // What comes while it is read is not asked for, or a busy container's log would have no end.
  @ParameterizedTest
  @CsvSource({"1, 0", "1, 150", "3, 150", "-1, 0", "-1, 150"})
  void withoutFollowing_itEndsWhereTheLogEndedAtTheCall(long tail, long maxSize)
      throws InterruptedException {
    RotatingLog log = new RotatingLog(folder, maxSize, 1000);
    List<String> lines = IntStream.range(0, 10).mapToObj(i -> "line" + i).toList();
    lines.forEach(line -> log.line("stdout", line));
    List<String> seen = new ArrayList<>();
    reader(query(tail, null, null), time -> {})
        .read(
            () -> false,
            entry -> {
              seen.add(new String(entry.line(), UTF_8));
              if (seen.size() < 50) {
                log.line("stdout", "later").line("stdout", "later");
              }
            });
    assertEquals(lines.subList(tail < 0 ? 0 : (int) (lines.size() - tail), lines.size()), seen);
  }

  @Test
  void tail_countsALineOnce_howeverOftenItIsCut() throws InterruptedException {
    RotatingLog log = log();
    log.line("stdout", "first");
    String piece = "x".repeat(16_384);
    IntStream.range(0, 9).forEach(i -> log.record("stdout", "P", piece));
    log.line("stdout", "end").line("stdout", "last").record("stdout", "P", "unfinished");
    assertEquals(List.of("unfinished"), read(query(1, null, null)));
    assertEquals(List.of("last", "unfinished"), read(query(2, null, null)));
    assertEquals(12, read(query(3, null, null)).size());
    assertEquals("first", read(query(4, null, null)).getFirst());
  }

  @Test
  void tail_ofManyBlocks_isTheEndOfAll() throws InterruptedException {
    RotatingLog log = log();
    StringBuilder text = new StringBuilder();
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 5_000; i++) {
      String line = "l" + i + "y".repeat(i % 97);
      lines.add(line);
      text.append(RotatingLog.BEGIN.plusNanos(i)).append(" stdout F ").append(line).append('\n');
    }
    log.raw(text.toString());
    for (int tail = 1; tail < 5_000; tail += 271) {
      assertEquals(lines.subList(lines.size() - tail, lines.size()), read(query(tail, null, null)));
    }
    assertEquals(lines, read(all()));
  }

  @Test
  void whatIsNoEntry_isPassedOver() throws IOException, InterruptedException {
    RotatingLog log = log();
    log.line("stdout", "a")
        .raw("\n \nnonsense\n2026-99-99T00:00:00Z stdout F x\n")
        .raw(RotatingLog.BEGIN + " stdlog F x\n" + RotatingLog.BEGIN + " stdout Q x\n")
        .raw(RotatingLog.BEGIN + " stdout F\n")
        .raw("z".repeat(200_000) + "\n")
        .raw(RotatingLog.BEGIN + " stdout F " + "w".repeat(100_000) + "\n")
        .line("stdout", "b\0c\u001b[0m");
    Files.writeString(folder.resolve("log.x"), RotatingLog.BEGIN + " stdout F other\n");
    Files.createDirectory(folder.resolve("log.7"));
    Files.createSymbolicLink(folder.resolve("log.3"), folder.resolve("log.x"));
    assertEquals(List.of("a", "b\0c\u001b[0m"), read(all()));
    assertEquals("b\0c\u001b[0m", read(query(1, null, null)).getLast());
    log.raw(RotatingLog.BEGIN + " stdout F unfinish");
    assertEquals(2, read(all()).size(), "a line without end may still grow");
  }

  @Test
  void following_seesWhatIsWrittenLater_overRotations_onceEach() throws InterruptedException {
    RotatingLog log = new RotatingLog(folder, 200, 1000);
    List<String> wanted = new ArrayList<>();
    AtomicInteger step = new AtomicInteger();
    List<String> lines = new ArrayList<>();
    reader(
            following(-1),
            time -> {
              // Between two looks: nothing, a few lines, or several files full of them.
              int now = step.getAndIncrement();
              for (int i = 0; i < now * now % 23; i++) {
                String line = "step" + now + "." + i;
                wanted.add(line);
                log.line("stdout", line);
              }
            })
        .read(() -> step.get() > 30, entry -> lines.add(new String(entry.line(), UTF_8)));
    assertTrue(Files.exists(folder.resolve("log.20")));
    assertEquals(wanted, lines);
  }

  @Test
  void following_takesALineWhenItIsWhole() throws InterruptedException {
    RotatingLog log = log();
    AtomicInteger step = new AtomicInteger();
    List<String> lines = new ArrayList<>();
    reader(
            following(0),
            time -> {
              switch (step.getAndIncrement()) {
                case 0 -> log.raw(RotatingLog.BEGIN + " std");
                case 1 -> log.raw("out F who");
                case 2 -> assertEquals(List.of(), lines);
                case 3 -> log.raw("le\n");
                default -> {
                  // The end.
                }
              }
            })
        .read(() -> step.get() > 4, entry -> lines.add(new String(entry.line(), UTF_8)));
    assertEquals(List.of("whole"), lines);
  }

  @Test
  void following_beginsAtTheTail_andGoesOnWhereOneFileOnlyIsKept() throws InterruptedException {
    RotatingLog log = new RotatingLog(folder, 100, 1);
    log.line("stdout", "old").line("stdout", "last");
    AtomicInteger step = new AtomicInteger();
    List<String> lines = new ArrayList<>();
    reader(following(1), time -> log.line("stdout", "n" + step.getAndIncrement()))
        .read(() -> step.get() >= 8, entry -> lines.add(new String(entry.line(), UTF_8)));
    assertEquals(List.of("last", "n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"), lines);
  }

  @Test
  void following_survivesAFileThatIsCutBack() throws InterruptedException {
    RotatingLog log = log();
    log.line("stdout", "one");
    AtomicInteger step = new AtomicInteger();
    List<String> lines = new ArrayList<>();
    reader(
            following(-1),
            time -> {
              switch (step.getAndIncrement()) {
                case 0 -> log.raw(RotatingLog.BEGIN + " stdout F cut");
                case 1 -> cut(log.file, 45);
                case 2 -> log.line("stdout", "two");
                default -> {
                  // The end.
                }
              }
            })
        .read(() -> step.get() > 3, entry -> lines.add(new String(entry.line(), UTF_8)));
    assertEquals(List.of("one", "two"), lines);
  }

  private static void cut(Path file, int to) {
    try (var channel =
        java.nio.channels.FileChannel.open(file, java.nio.file.StandardOpenOption.WRITE)) {
      String first = Files.readString(file);
      channel.truncate(Math.min(to, first.indexOf('\n') + 1));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void following_endsWhenItsTimeIsOver() throws InterruptedException {
    log().line("stdout", "a");
    LogQuery query = new LogQuery(true, true, true, null, RotatingLog.BEGIN.minusSeconds(1), -1);
    List<String> lines = new ArrayList<>();
    reader(query, time -> {}).read(() -> false, entry -> lines.add("x"));
    assertEquals(List.of(), lines);
  }

  @Test
  void following_besideAWriter_losesAndDoublesNothing() throws InterruptedException {
    int count = 4_000;
    RotatingLog log = new RotatingLog(folder, 2_000, 1000);
    AtomicBoolean written = new AtomicBoolean();
    Thread writer =
        Thread.ofVirtual()
            .start(() -> {
              for (int i = 0; i < count; i++) {
                log.line(i % 3 == 0 ? "stderr" : "stdout", "n" + i);
              }
              written.set(true);
            });
    List<String> lines = new ArrayList<>();
    reader(following(-1), time -> Thread.sleep(Duration.ofMillis(1)))
        .read(written::get, entry -> lines.add(new String(entry.line(), UTF_8)));
    writer.join();
    assertEquals(IntStream.range(0, count).mapToObj(i -> "n" + i).toList(), lines);
  }
}
