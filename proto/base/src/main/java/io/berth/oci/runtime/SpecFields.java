package io.berth.oci.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of each field of the runtime specification, from the data file {@code fields.txt}
 * beside this class: nothing that somebody asks for is dropped in silence.
 */
final class SpecFields {
  static final String RESOURCES = "linux.resources";
  static final String PROCESS = "process";

  private static final Map<String, Fate> FATES = load();

  /** Paths below which something is refused: only into those one need look. */
  private static final Map<String, Boolean> ON_THE_WAY = onTheWay();

  enum Fate {
    DONE,
    REFUSED,
    NOTHING
  }

  private SpecFields() {}

  /** All fields with their paths, like {@code linux.seccomp.syscalls.args.op}. */
  static Map<String, Fate> all() {
    return FATES;
  }

  /**
   * UNIMPLEMENTED if the document sets a field that is refused.
   *
   * @param at the path of the document in a whole specification; empty for a whole one
   */
  static void check(byte[] document, String at, String what) {
    try (JsonParser parser = Json.mapper().getFactory().createParser(document)) {
      JsonToken first = parser.nextToken();
      if (first != null) {
        walk(parser, first, at, what);
      }
    } catch (IOException notJson) {
      // Whoever makes a value of it says what is wrong.
      return;
    }
  }

  /** Reads one value; true if it says anything. */
  private static boolean walk(JsonParser parser, JsonToken token, String path, String what)
      throws IOException {
    return switch (token) {
      case START_OBJECT -> {
        boolean any = false;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          any = true;
          member(parser, path, what);
        }
        yield any;
      }
      case START_ARRAY -> {
        boolean any = false;
        JsonToken element = parser.nextToken();
        while (element != null && element != JsonToken.END_ARRAY) {
          any = true;
          walk(parser, element, path, what);
          element = parser.nextToken();
        }
        yield any;
      }
      case VALUE_STRING -> parser.getTextLength() > 0;
      case VALUE_NULL, VALUE_FALSE -> false;
      default -> true;
    };
  }

  private static void member(JsonParser parser, String parent, String what) throws IOException {
    String name = parser.currentName();
    String path = parent.isEmpty() ? name : parent + "." + name;
    JsonToken value = parser.nextToken();
    if (FATES.get(path) == Fate.REFUSED) {
      if (value != null && walk(parser, value, path, what)) {
        throw new BerthException.NotImplemented(
            what + ": `" + path + "` is not built; leave it out");
      }
    } else if (value != null && ON_THE_WAY.containsKey(path)) {
      walk(parser, value, path, what);
    } else {
      parser.skipChildren();
    }
  }

  private static Map<String, Boolean> onTheWay() {
    Map<String, Boolean> parents = new HashMap<>();
    FATES.forEach((path, fate) -> {
      for (int dot = path.lastIndexOf('.');
          fate == Fate.REFUSED && dot > 0;
          dot = path.lastIndexOf('.', dot - 1)) {
        parents.put(path.substring(0, dot), true);
      }
    });
    return Map.copyOf(parents);
  }

  private static Map<String, Fate> load() {
    Map<String, Fate> fates = new TreeMap<>();
    lines((fate, path) -> {
      @Nullable Fate before = fates.put(path, fate);
      if (before != null) {
        throw new IllegalStateException("fields.txt has `" + path + "` twice");
      }
    });
    return fates;
  }

  private static void lines(BiConsumer<Fate, String> to) {
    try (InputStream in = SpecFields.class.getResourceAsStream("fields.txt")) {
      if (in == null) {
        throw new IllegalStateException("resource fields.txt is missing from this build");
      }
      for (String line : new String(in.readAllBytes(), UTF_8).split("\n", -1)) {
        if (line.isBlank() || line.startsWith("#")) {
          continue;
        }
        String[] sides = line.split(":", 2);
        String[] words = sides[0].strip().split("\\s+");
        Fate fate =
            switch (words[0]) {
              case "done" -> Fate.DONE;
              case "refused" -> Fate.REFUSED;
              case "nothing" -> Fate.NOTHING;
              default -> throw new IllegalStateException("no word of fields.txt: " + words[0]);
            };
        String prefix = words.length > 1 ? words[1] + "." : "";
        for (String name : sides[1].strip().split("\\s+")) {
          to.accept(fate, prefix + name);
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException("resource fields.txt cannot be read", e);
    }
  }
}
