package io.berth.image.build;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import io.berth.oci.image.Platform;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * An image's configuration being written. It begins as its parent's document, of which fields that
 * nobody here knows are kept. Not thread-safe.
 */
public final class ConfigDraft {
  private final ObjectNode document;
  private final ObjectNode config;

  private ConfigDraft(ObjectNode document) {
    this.document = document;
    this.config = document.withObjectProperty("config");
  }

  /** Begins with the configuration of a parent. */
  public static ConfigDraft of(byte[] parent) {
    JsonNode tree = Json.tree(parent, "the parent's configuration");
    if (!(tree instanceof ObjectNode document)) {
      throw new BerthException.InvalidArgument("parse the parent's configuration: it is no object");
    }
    if (!document.path("config").isObject()) {
      document.remove("config");
    }
    return new ConfigDraft(document.deepCopy());
  }

  /** Begins with an empty configuration. */
  public static ConfigDraft of(Platform platform) {
    ObjectNode document = Json.mapper().createObjectNode();
    document.put("architecture", platform.architecture()).put("os", platform.os());
    if (!platform.variant().isEmpty()) {
      document.put("variant", platform.variant());
    }
    document.putObject("rootfs").put("type", "layers").putArray("diff_ids");
    document.putArray("history");
    return new ConfigDraft(document);
  }

  /** What a new layer, or a change without one, says of itself. */
  public record Step(Instant at, String createdBy, String author, String comment) {}

  /** Adds a layer and its entry of history. */
  public ConfigDraft layer(String diffId, Step step) {
    array(document.withObjectProperty("rootfs"), "diff_ids").add(diffId);
    return history(step, /* empty= */ false);
  }

  /** Adds an entry of history. */
  public ConfigDraft history(Step step, boolean empty) {
    ObjectNode entry = array(document, "history").addObject();
    entry.put("created", step.at.toString());
    document.put("created", step.at.toString());
    put(entry, "created_by", step.createdBy);
    put(entry, "author", step.author);
    put(entry, "comment", step.comment);
    if (empty) {
      entry.put("empty_layer", true);
    }
    put(document, "author", step.author);
    put(document, "comment", step.comment);
    return this;
  }

  private static void put(ObjectNode node, String key, String value) {
    if (!value.isEmpty()) {
      node.put(key, value);
    }
  }

  private static ArrayNode array(ObjectNode node, String key) {
    return node.path(key) instanceof ArrayNode array ? array : node.putArray(key);
  }

  /** Sets a text, unless it is empty. */
  public ConfigDraft text(String key, String value) {
    put(config, key, value);
    return this;
  }

  /** Replaces a list. */
  public ConfigDraft list(String key, List<String> values) {
    ArrayNode array = config.putArray(key);
    values.forEach(array::add);
    return this;
  }

  /** Adds labels. */
  public ConfigDraft labels(Map<String, String> labels) {
    labels.forEach(config.withObjectProperty("Labels")::put);
    return this;
  }

  /** Adds members of a set, as docker writes sets: keys with empty objects. */
  public ConfigDraft members(String key, List<String> members) {
    if (!members.isEmpty() && !config.path(key).isObject()) {
      config.remove(key);
    }
    members.forEach(member -> config.withObjectProperty(key).putObject(member));
    return this;
  }

  /**
   * Carries out an instruction of an image file: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL,
   * ONBUILD, SHELL, STOPSIGNAL, USER, VOLUME, WORKDIR.
   */
  public ConfigDraft change(String instruction) {
    String text = instruction.strip();
    int space = text.indexOf(' ');
    String word = (space < 0 ? text : text.substring(0, space)).toUpperCase(Locale.ROOT);
    String rest = space < 0 ? "" : text.substring(space + 1).strip();
    if (rest.isEmpty()) {
      throw new BerthException.InvalidArgument(
          "change `" + instruction + "`: the instruction needs a value");
    }
    switch (word) {
      case "CMD" -> list("Cmd", command(rest));
      case "ENTRYPOINT" -> {
        list("Entrypoint", command(rest));
        config.remove("Cmd");
      }
      case "ENV" -> pairs(rest, instruction).forEach(this::environment);
      case "HEALTHCHECK" ->
          config.set("Healthcheck", HealthcheckInstruction.read(rest, ConfigDraft::strings));
      case "SHELL" -> list("Shell", strings(rest));
      case "LABEL" -> labels(pairs(rest, instruction));
      case "EXPOSE" -> members("ExposedPorts", ports(rest));
      case "VOLUME" ->
          members("Volumes", rest.startsWith("[") ? strings(rest) : List.of(rest.split("\\s+")));
      case "USER" -> text("User", rest);
      case "WORKDIR" -> text("WorkingDir", workingDir(rest));
      case "STOPSIGNAL" -> text("StopSignal", rest);
      case "ONBUILD" -> array(config, "OnBuild").add(rest);
      default ->
          throw new BerthException.InvalidArgument(
              "change `"
                  + instruction
                  + "`: "
                  + word
                  + " is no instruction for an image that exists; use CMD, ENTRYPOINT, ENV, EXPOSE,"
                  + " HEALTHCHECK, LABEL, ONBUILD, SHELL, STOPSIGNAL, USER, VOLUME or WORKDIR");
    }
    return this;
  }

  private String workingDir(String path) {
    String current = config.path("WorkingDir").asText("");
    return path.startsWith("/") ? path : (current.endsWith("/") ? current : current + "/") + path;
  }

  private static List<String> ports(String text) {
    return List.of(text.split("\\s+")).stream()
        .map(port -> port.contains("/") ? port : port + "/tcp")
        .toList();
  }

  /** A JSON list is taken as it is, other text goes to the image's shell. */
  private List<String> command(String text) {
    if (text.startsWith("[")) {
      return strings(text);
    }
    List<String> words = new ArrayList<>();
    config.path("Shell").forEach(word -> words.add(word.asText()));
    if (words.isEmpty()) {
      words.addAll(List.of("/bin/sh", "-c"));
    }
    words.add(text);
    return words;
  }

  private static List<String> strings(String json) {
    return List.of(
        Json.read(json.getBytes(StandardCharsets.UTF_8), String[].class, "list `" + json + "`"));
  }

  private void environment(String key, String value) {
    ArrayNode env = array(config, "Env");
    for (int i = 0; i < env.size(); i++) {
      if (env.get(i).asText().startsWith(key + "=")) {
        env.set(i, key + "=" + value);
        return;
      }
    }
    env.add(key + "=" + value);
  }

  /** {@code KEY=VALUE ...} with quotes, or {@code KEY VALUE}. */
  private static Map<String, String> pairs(String text, String instruction) {
    List<String> words = words(text);
    Map<String, String> result = new LinkedHashMap<>();
    if (!words.getFirst().contains("=")) {
      int space = text.indexOf(' ');
      if (space < 0) {
        throw new BerthException.InvalidArgument(
            "change `" + instruction + "`: expected KEY=VALUE");
      }
      result.put(text.substring(0, space), text.substring(space + 1).strip());
      return result;
    }
    for (String word : words) {
      int equals = word.indexOf('=');
      if (equals <= 0) {
        throw new BerthException.InvalidArgument(
            "change `" + instruction + "`: expected KEY=VALUE");
      }
      result.put(word.substring(0, equals), word.substring(equals + 1));
    }
    return result;
  }

  private static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    char quote = 0;
    boolean inWord = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\' && i + 1 < text.length() && quote != '\'') {
        word.append(text.charAt(++i));
        inWord = true;
      } else if (quote != 0) {
        if (c == quote) {
          quote = 0;
        } else {
          word.append(c);
        }
      } else if (c == '"' || c == '\'') {
        quote = c;
        inWord = true;
      } else if (Character.isWhitespace(c)) {
        if (inWord) {
          words.add(word.toString());
          word.setLength(0);
          inWord = false;
        }
      } else {
        word.append(c);
        inWord = true;
      }
    }
    if (inWord) {
      words.add(word.toString());
    }
    return words;
  }

  /** The bytes of the document. */
  public byte[] bytes() {
    return Json.bytes(document);
  }
}
