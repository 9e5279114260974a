package io.berth.cli.template;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Templates answer what Debian's docker answered: dist/record-templates recorded it. */
final class RecordedTemplatesTest {
  private static final Map<String, String> TYPES =
      Map.of(
          "container", "types.ContainerJSON",
          "gone", "types.ContainerJSON",
          "image", "types.ImageInspect",
          "network", "types.NetworkResource",
          "volume", "types.Volume",
          "version", "system.versionInfo",
          "info", "system.info");

  private static final Map<String, String> TITLES =
      Map.ofEntries(
          Map.entry("ID", "CONTAINER ID"),
          Map.entry("Names", "NAMES"),
          Map.entry("Image", "IMAGE"),
          Map.entry("Command", "COMMAND"),
          Map.entry("State", "STATE"),
          Map.entry("Labels", "LABELS"),
          Map.entry("Mounts", "MOUNTS"),
          Map.entry("LocalVolumes", "LOCAL VOLUMES"),
          Map.entry("Networks", "NETWORKS"),
          Map.entry("Ports", "PORTS"));

  private static final JsonNode RECORDED = recorded();

  private static JsonNode recorded() {
    try (InputStream file = RecordedTemplatesTest.class.getResourceAsStream("recorded.json")) {
      return Json.mapper().readTree(file);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  static Stream<JsonNode> answers() {
    List<JsonNode> all = new ArrayList<>();
    RECORDED.get("answers").forEach(all::add);
    assertTrue(all.size() >= 150, "answers");
    return all.stream();
  }

  // Cases F1 to F5.
  @ParameterizedTest
  @MethodSource("answers")
  void aTemplateAnswersWhatDockerAnswers(JsonNode answer) {
    String kind = answer.get("on").asText();
    String template = answer.get("template").asText();
    String error = answer.get("err").asText().strip();
    try {
      String out = answerOf(kind, template);
      assertEquals("", error, () -> template + " answers " + out);
      assertEquals(answer.get("out").asText(), out, template);
    } catch (BerthException e) {
      // Docker names the command in version's, and says before all what it was about to do.
      String expected =
          error.substring(Math.max(0, error.lastIndexOf("template: "))).replace("version:", ":");
      expected = expected.replace("executing \"version\"", "executing \"\"");
      assertEquals(expected, e.getMessage().replaceFirst(", did you mean .*", ""), template);
      assertEquals(
          answer.get("code").asInt() == 64 || error.contains("failed to parse"),
          e instanceof BerthException.InvalidArgument,
          template);
    }
  }

  private static String answerOf(String kind, String template) {
    JsonNode document = RECORDED.get("documents").get(kind);
    if (!kind.equals("ps")) {
      Template parsed = Template.parse(template);
      return switch (kind) {
            case "version", "info" -> parsed.apply(DocumentTypes.typed(TYPES.get(kind), document));
            // What docker knows only by its type has no second try.
            case "volume" -> parsed.apply(DocumentTypes.typed(TYPES.get(kind), document));
            default -> parsed.apply(TYPES.get(kind), document);
          }
          + "\n";
    }
    List<Cells> rows = new ArrayList<>();
    for (JsonNode one : document) {
      Cells row = new Cells("formatter.ContainerContext");
      one.properties().forEach(cell -> row.cell(cell.getKey(), () -> cell.getValue().asText()));
      Map<String, String> labels = new TreeMap<>();
      for (String label : one.get("Labels").asText().split(",")) {
        labels.put(label.split("=")[0], label.split("=")[1]);
      }
      rows.add(row.labels(labels));
    }
    return ListingFormat.parse(template).text(TITLES, rows);
  }
}
