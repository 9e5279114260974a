package io.berth.linux.supervisor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Reads plans back by the structs as protocol.h declares them, field by field. */
final class LaunchPlanTest {
  private static final Pattern STRUCT =
      Pattern.compile("struct (\\w+) \\{(.*?)\\};", Pattern.DOTALL);
  private static final Pattern FIELD = Pattern.compile("(u?int(\\d+)_t) (\\w+);");

  private Map<String, Map<String, Integer>> structs = Map.of();
  private Fd one = Fd.adopt(1_000_000, "never opened");
  private Fd two = one;

  /** A step as read back: numbers in their order, then strings. */
  private record Read(int code, int flags, List<Object> content) {}

  @BeforeEach
  void readHeader() throws Exception {
    String header =
        Files.readString(Path.of("src/main/c/protocol.h")).replaceAll("(?s)/\\*.*?\\*/", "");
    Map<String, Map<String, Integer>> found = new LinkedHashMap<>();
    for (Matcher m = STRUCT.matcher(header); m.find(); ) {
      Map<String, Integer> fields = new LinkedHashMap<>();
      for (Matcher f = FIELD.matcher(m.group(2)); f.find(); ) {
        fields.put(f.group(3), Integer.parseInt(f.group(2)) / 8);
      }
      found.put(m.group(1), fields);
    }
    structs = found;
    one = Fd.open(Path.of("/dev/null"), OpenFlags.O_RDONLY);
    two = Fd.open(Path.of("/dev/null"), OpenFlags.O_RDONLY);
  }

  @AfterEach
  void close() {
    one.close();
    two.close();
  }

  @Test
  void headerCountsStepsBytesAndDescriptors() throws IOException {
    LaunchPlan plan =
        init(
            0x20000,
            new Step.Id(""),
            new Step.Cgroup2(new Handle.Open(one)),
            new Step.Cgroup1(new Handle.Open(two)),
            new Step.Cgroup1(new Handle.Open(one)));
    Map<String, Object> header = fields("plan_header", buffer(plan.bytes()));
    assertEquals((long) Protocol.PLAN_MAGIC, header.get("magic"));
    assertEquals((long) Protocol.PLAN_INIT, header.get("kind"));
    assertEquals((long) plan.bytes().length, header.get("length"));
    assertEquals(4L, header.get("count"));
    assertEquals(0x20000L, header.get("namespaces"));
    assertEquals(0L, header.get("flags"));
    assertEquals(2L, header.get("fds"), "one that is named twice goes once");
    assertEquals(List.of(one, two), plan.descriptors());
    assertEquals(0, plan.bytes().length % 8);
  }

  @Test
  void everyStruct_isWrittenInTheOrderOfItsFields() throws IOException {
    Handle first = new Handle.Open(one);
    LaunchPlan plan =
        exec(
            new Step.Cgroup2(new Handle.Open(two)),
            new Step.Terminal(24, 80),
            new Step.Sink(1, new Sink.Log(one, "log", 1L << 40, 7)),
            new Step.Sink(0, new Sink.Fifo(two, one)),
            new Step.Sink(2, new Sink.Fifo(two, null)),
            new Step.Join(0x40000000, first),
            new Step.IdMaps("0 1 2\n", "3 4 5\n", true),
            new Step.Root(null, "/root"),
            new Step.Mount("t", "s", "/d", "a,b", 1L << 33, 2L << 33, 3, 4, false),
            new Step.Mount("t", "s", "/d", "", 5, 6, 7, 8, true),
            new Step.Bind(first, "/b", 1L << 34, 2L << 34, 3L << 34, 4),
            new Step.Attributes("/c", 11, 12, 13, 14),
            new Step.MakeNode("/n", 0x21b6, 1, 3, 7, 8),
            new Step.ResourceLimit("RLIMIT_NOFILE", 7, 1L << 35, -1),
            new Step.Scheduler(1, -5, 2, 3, 4, 5, 6),
            new Step.Capabilities(1L << 36, 2L << 36, 3L << 36, 4L << 36),
            new Step.User(1000, 1001, List.of(5, 6)));
    List<Read> steps = steps(plan);
    assertEquals(List.of(24L, 80L, 0L), steps.get(1).content);
    int log = Protocol.SINK_LOG;
    int fifo = Protocol.SINK_FIFO;
    long none = 0xffffffffL;
    assertEquals(List.of(1L, (long) log, 1L, none, 1L << 40, 7L, 0L, "log"), steps.get(2).content);
    assertEquals(List.of(0L, (long) fifo, 0L, 1L, 0L, 0L, 0L, ""), steps.get(3).content);
    assertEquals(List.of(2L, (long) fifo, 0L, none, 0L, 0L, 0L, ""), steps.get(4).content);
    assertEquals(List.of(0x40000000L, 1L), steps.get(5).content);
    assertEquals(List.of(1L, 0L, "0 1 2\n", "3 4 5\n"), steps.get(6).content);
    assertEquals(List.of(none, 0L, "/root"), steps.get(7).content);
    assertEquals(List.of(1L << 33, 2L << 33, 3L, 4L, "t", "s", "/d", "a,b"), steps.get(8).content);
    assertEquals(List.of(5L, 6L, 7L, 8L, "t", "s", "/d", ""), steps.get(9).content);
    assertEquals(List.of(1L << 34, 2L << 34, 3L << 34, 4L, 1L, "/b"), steps.get(10).content);
    assertEquals(List.of(11L, 12L, 13L, 14L, 0L, "/c"), steps.get(11).content);
    assertEquals(List.of(0x21b6L, 1L, 3L, 7L, 8L, 0L, "/n"), steps.get(12).content);
    assertEquals(List.of(7L, 0L, 1L << 35, -1L), steps.get(13).content);
    assertEquals(List.of(1L, 0xfffffffbL, 2L, 0L, 3L, 4L, 5L, 6L), steps.get(14).content);
    assertEquals(List.of(1L << 36, 2L << 36, 3L << 36, 4L << 36), steps.get(15).content);
    assertEquals(List.of(1000L, 1001L, 2L, 0L, 5L, 6L), steps.get(16).content);
  }

  @Test
  void hooksAndPrograms_keepTheirCountsAndStrings() throws IOException {
    Hook hook =
        new Hook(
            "/h", List.of("h", "a"), List.of("K=v"), Duration.ofMillis(1500), "before", "after");
    LaunchPlan plan =
        init(0, new Step.RunHook(hook), new Step.Execute(List.of("p", ""), List.of("A=b", "C=d")));
    List<Read> steps = steps(plan);
    assertEquals(
        List.of(1500L, 2L, 1L, 0L, "/h", "h", "a", "K=v", "before", "after"), steps.get(0).content);
    assertEquals(List.of(2L, 2L, "p", "", "A=b", "C=d"), steps.get(1).content);
  }

  @Test
  void aKeyring_isOptional() throws IOException {
    LaunchPlan plan = init(0, new Step.LoopbackUp(), new Step.Keyring("k"), new Step.Umask(18));
    assertEquals(
        List.of(0, Protocol.STEP_OPTIONAL, 0), steps(plan).stream().map(Read::flags).toList());
  }

  @Test
  void tooManySteps_areRefusedHere() {
    Step[] steps = new Step[Protocol.PLAN_MAX_STEPS + 1];
    Arrays.fill(steps, new Step.Umask(0));
    assertThrows(IllegalArgumentException.class, () -> init(0, steps));
  }

  @Test
  void aFilterThatIsCutShort_isRefused() {
    assertThrows(IllegalArgumentException.class, () -> new Step.Filter(0, new byte[12]));
    assertThrows(IllegalArgumentException.class, () -> new Step.Filter(0, new byte[0]));
  }

  @Test
  void exitRecords_areReadAsTheyAreWritten() throws Exception {
    String text =
        """
        version=1
        id=e=1
        pid=42
        how=signalled
        code=9
        core=1
        oom_kills=2
        exited_at=1700000000123456789
        """;
    ExitRecord record = ExitRecord.parse(text, Path.of("x"));
    assertEquals("e=1", record.id());
    assertEquals(137, record.shellCode());
    assertTrue(record.dumpedCore());
    assertEquals(2, record.oomKills());
    assertEquals("2023-11-14T22:13:20.123456789Z", record.exitedAt().toString());
    for (String wrong : List.of("", "version=1\n", text.replace("42", "x"))) {
      assertThrows(IOException.class, () -> ExitRecord.parse(wrong, Path.of("x")));
    }
  }

  private static LaunchPlan init(int namespaces, Step... steps) throws IOException {
    return LaunchPlan.init(namespaces, List.of(steps), OpenOnly.FILES, OpenOnly.STREAMS);
  }

  private static LaunchPlan exec(Step... steps) throws IOException {
    return LaunchPlan.exec(List.of(steps), OpenOnly.FILES, OpenOnly.STREAMS);
  }

  private List<Read> steps(LaunchPlan plan) {
    ByteBuffer in = buffer(plan.bytes());
    in.position(Protocol.PLAN_HEADER_SIZE);
    List<Read> steps = new ArrayList<>();
    while (in.hasRemaining()) {
      assertEquals(0, in.position() % 8);
      int code = Short.toUnsignedInt(in.getShort());
      int flags = Short.toUnsignedInt(in.getShort());
      int length = in.getInt();
      ByteBuffer payload = in.slice(in.position(), length).order(ByteOrder.LITTLE_ENDIAN);
      steps.add(new Read(code, flags, content(code, payload)));
      in.position(Math.min(in.limit(), (in.position() + length + 7) & ~7));
    }
    return steps;
  }

  private List<Object> content(int code, ByteBuffer in) {
    String struct =
        switch (code) {
          case Protocol.STEP_TERMINAL -> "step_terminal";
          case Protocol.STEP_SINK -> "step_sink";
          case Protocol.STEP_JOIN -> "step_join";
          case Protocol.STEP_ID_MAPS -> "step_id_maps";
          case Protocol.STEP_ROOT -> "step_root";
          case Protocol.STEP_MOUNT, Protocol.STEP_COPY_UP -> "step_mount";
          case Protocol.STEP_BIND -> "step_bind";
          case Protocol.STEP_ATTRIBUTES -> "step_attributes";
          case Protocol.STEP_MAKE_NODE -> "step_make_node";
          case Protocol.STEP_RLIMIT -> "step_rlimit";
          case Protocol.STEP_SCHEDULER -> "step_scheduler";
          case Protocol.STEP_CAPS -> "step_caps";
          case Protocol.STEP_USER -> "step_user";
          case Protocol.STEP_HOOK -> "step_hook";
          default -> "";
        };
    List<Object> content = new ArrayList<>();
    if (code == Protocol.STEP_EXEC) {
      content.add((long) in.getInt());
      content.add((long) in.getInt());
    } else if (!struct.isEmpty()) {
      content.addAll(fields(struct, in).values());
    }
    if (code == Protocol.STEP_USER) {
      while (in.hasRemaining()) {
        content.add((long) in.getInt());
      }
    }
    byte[] rest = new byte[in.remaining()];
    in.get(rest);
    String text = new String(rest, StandardCharsets.UTF_8);
    if (!text.isEmpty()) {
      content.addAll(List.of(text.substring(0, text.length() - 1).split("\0", -1)));
    }
    return content;
  }

  private Map<String, Object> fields(String struct, ByteBuffer in) {
    Map<String, Object> values = new LinkedHashMap<>();
    structs
        .getOrDefault(struct, Map.of())
        .forEach((name, size) ->
            values.put(
                name,
                switch (size) {
                  case 2 -> (long) Short.toUnsignedInt(in.getShort());
                  case 4 -> Integer.toUnsignedLong(in.getInt());
                  default -> in.getLong();
                }));
    return values;
  }

  private static ByteBuffer buffer(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
