package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.WaitRequest;
import io.berth.base.id.TaskKey;
import io.grpc.StatusException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Specifications as data, and what becomes of each: {@code specifications.txt}. */
@Tag("root")
final class SpecificationsIT {
  private static final int AT_LEAST = 200;
  private static final JsonMapper LENIENT =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_SINGLE_QUOTES).build();

  @RegisterExtension final TestShimProcess shims = new TestShimProcess();

  /** A line of the file. */
  private record Row(int line, String changes, String command, String outcome) {
    static Row of(int line, String text) {
      String[] parts = text.split(" \\| ", -1);
      assertEquals(3, parts.length, "line " + line);
      return new Row(line, parts[0].strip(), parts[1], parts[2]);
    }

    /** Null if it came as it should. */
    String wrong(Outcome came) {
      char kind = outcome.charAt(0);
      String rest = outcome.substring(outcome.indexOf(' ') + 1).replace("\\n", "\n").strip();
      boolean right =
          switch (kind) {
            case '!' -> came.code < 0 && came.text.contains(rest);
            case '=' -> came.code == 0 && came.text.strip().equals(rest);
            case '?' -> came.code == 0 || (came.code < 0 && came.text.contains(rest));
            case '~' -> came.code == 0 && came.text.contains(rest);
            default ->
                came.code == Integer.parseInt(outcome.substring(0, outcome.indexOf(' ')))
                    && came.text.contains(rest);
          };
      return right ? "" : "line " + line + ": " + changes + " | " + command + " | " + came;
    }
  }

  /** The exit code and what was put out, or -1 and why it was refused. */
  private record Outcome(int code, String text) {}

  // case S13
  @Test
  void eachHasTheOutcomeThatStandsBesideIt() throws Exception {
    Path dir = Files.createDirectories(shims.folder().resolve("files"));
    Files.writeString(dir.resolve("file"), "word\n");
    Files.createDirectories(dir.resolve("folder"));
    Files.writeString(dir.resolve("folder/inside"), "");
    List<Row> rows = rows();
    assertTrue(rows.size() >= AT_LEAST, rows.size() + " specifications");
    List<String> wrong = new ArrayList<>();
    for (Row row : rows) {
      String found = row.wrong(run(row, dir));
      if (!found.isEmpty()) {
        wrong.add(found);
      }
    }
    assertEquals("", String.join("\n", wrong));
    assertEquals(List.of(), shims.leftovers());
  }

  private static List<Row> rows() throws IOException {
    List<Row> rows = new ArrayList<>();
    try (InputStream file =
        SpecificationsIT.class.getResourceAsStream("/specifications/specifications.txt")) {
      int line = 0;
      for (String text : new String(file.readAllBytes(), StandardCharsets.UTF_8).split("\n", -1)) {
        line++;
        if (!text.isEmpty() && !text.startsWith("#")) {
          rows.add(Row.of(line, text));
        }
      }
    }
    return rows;
  }

  private Outcome run(Row row, Path dir) throws Exception {
    ObjectNode spec = shims.spec("sh", "-c", row.command);
    if (!row.changes.isEmpty()) {
      for (String change : row.changes.replace("{dir}", dir.toString()).split(" ; ", -1)) {
        change(spec, change);
      }
    }
    TaskKey key = shims.key();
    try {
      shims.create(key, spec);
    } catch (StatusException e) {
      return new Outcome(-1, String.valueOf(e.getMessage()));
    }
    var task = shims.task(key);
    Outcome outcome;
    try {
      task.start(StartRequest.newBuilder().setId(key.id()).build());
      int code = task.wait(WaitRequest.newBuilder().setId(key.id()).build()).getExitStatus();
      task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
      outcome = new Outcome(code, shims.said(key));
    } catch (StatusException e) {
      task.wait(WaitRequest.newBuilder().setId(key.id()).build());
      task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
      outcome = new Outcome(-1, String.valueOf(e.getMessage()));
    }
    return outcome;
  }

  private static void change(ObjectNode spec, String change) throws IOException {
    int equals = change.indexOf('=');
    String path =
        equals < 0 ? change.substring(0, change.indexOf('!')) : change.substring(0, equals);
    String[] words = path.substring(1).split("/", -1);
    JsonNode holder = spec;
    for (int i = 0; i < words.length - 1; i++) {
      JsonNode next =
          holder.isArray() ? holder.get(Integer.parseInt(words[i])) : holder.get(words[i]);
      holder = next == null ? ((ObjectNode) holder).putObject(words[i]) : next;
    }
    String last = words[words.length - 1];
    JsonNode value = equals < 0 ? null : LENIENT.readTree(change.substring(equals + 1));
    switch (holder) {
      case ArrayNode list when value == null -> list.remove(Integer.parseInt(last));
      case ArrayNode list when last.equals("-") -> list.add(value);
      case ArrayNode list -> list.set(Integer.parseInt(last), value);
      case ObjectNode object when value == null -> object.remove(last);
      case ObjectNode object -> object.set(last, value);
      default -> throw new IllegalArgumentException(change);
    }
  }
}
