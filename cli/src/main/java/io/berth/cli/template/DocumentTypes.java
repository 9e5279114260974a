package io.berth.cli.template;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Makes values of JSON: by the types of docker's documents, which decide the names, the order and
 * the kinds of fields that a template sees, or without types.
 */
public final class DocumentTypes {
  /** The types by their names; made when the first template with a document is used. */
  private static final class Known {
    static final Map<String, Type> TYPES = read();
  }

  /** The type of a document that docker does not have. */
  public static final String UNTYPED = "any";

  private DocumentTypes() {}

  /** The value of a document of one of docker's types: {@code types.ContainerJSON} and others. */
  public static Value typed(String type, JsonNode document) {
    return decode(type(type), document);
  }

  /** The value of a document as it stands, with its own names: what docker tries next. */
  public static Value raw(JsonNode document) {
    return switch (document.getNodeType()) {
      case STRING -> Value.of(document.asText());
      case BOOLEAN -> Value.of(document.asBoolean());
      case NUMBER -> new Value(Type.JSON_NUMBER, document.asText());
      case ARRAY -> {
        List<Value> items = new ArrayList<>();
        document.forEach(one -> items.add(raw(one)));
        yield new Value(new Type.Items("[]interface {}", Type.ANY, -1), items);
      }
      case OBJECT -> {
        TreeMap<String, Value> entries = new TreeMap<>();
        document.properties().forEach(one -> entries.put(one.getKey(), raw(one.getValue())));
        yield new Value(new Type.Dict("map[string]interface {}", Type.STRING, Type.ANY), entries);
      }
      case NULL, MISSING, BINARY, POJO -> Value.NIL;
    };
  }

  private static Type type(String name) {
    return Objects.requireNonNull(Known.TYPES.get(name), name);
  }

  private static Value decode(Type type, @Nullable JsonNode node) {
    if (node == null || node.isNull() || node.isMissingNode()) {
      return zero(type);
    }
    return switch (type) {
      case Type.Any _ -> raw(node);
      case Type.Basic basic ->
          new Value(
              type,
              switch (basic.kind()) {
                case BOOL -> node.asBoolean();
                case INT, UINT -> node.asLong();
                case FLOAT -> node.asDouble();
                case STRING, TIME -> node.asText();
              });
      case Type.Items items -> {
        List<Value> values = new ArrayList<>();
        node.forEach(one -> values.add(decode(items.element(), one)));
        yield new Value(type, values);
      }
      case Type.Dict dict -> {
        TreeMap<String, Value> values = new TreeMap<>();
        node.properties()
            .forEach(one -> values.put(one.getKey(), decode(dict.element(), one.getValue())));
        yield new Value(type, values);
      }
      case Type.Pointer pointer -> new Value(type, decode(pointer.target(), node));
      case Type.Struct struct ->
          new Value(
              type,
              struct.fields().stream()
                  .map(field ->
                      decode(field.type(), field.embedded() ? node : node.get(field.json())))
                  .toList());
      case Type.Methods _ -> throw new IllegalStateException("no documents have methods");
    };
  }

  /** The value of a type that nobody has set. */
  static Value zero(Type type) {
    return switch (type) {
      case Type.Any _ -> Value.NIL;
      case Type.Basic basic ->
          new Value(
              type,
              switch (basic.kind()) {
                case BOOL -> false;
                case INT, UINT -> 0L;
                case FLOAT -> 0.0;
                case STRING -> "";
                case TIME -> "0001-01-01T00:00:00Z";
              });
      case Type.Items items ->
          new Value(
              type,
              items.length() < 0
                  ? null
                  : Collections.nCopies(items.length(), zero(items.element())));
      case Type.Dict _, Type.Pointer _, Type.Methods _ -> new Value(type, null);
      case Type.Struct struct ->
          new Value(type, struct.fields().stream().map(field -> zero(field.type())).toList());
    };
  }

  private static Map<String, Type> read() {
    try (InputStream file = DocumentTypes.class.getResourceAsStream("docker.types")) {
      String text =
          new String(
              Objects.requireNonNull(file, "docker.types").readAllBytes(), StandardCharsets.UTF_8);
      return new Reading(text.lines().toList()).all();
    } catch (IOException e) {
      throw new UncheckedIOException("read docker.types", e);
    }
  }

  /** Reads the table of types, in which a type may be used before the line that tells it. */
  private static final class Reading {
    private final Map<String, List<String>> lines = new HashMap<>();
    private final Map<String, Type> types = new HashMap<>();

    Reading(List<String> all) {
      List<String> last = new ArrayList<>();
      for (String line : all) {
        if (line.isBlank() || line.startsWith("#")) {
          continue;
        }
        if (line.startsWith("  ")) {
          last.add(line.strip());
          continue;
        }
        last = new ArrayList<>();
        int named = line.indexOf(" = ");
        if (named > 0) {
          last.add("=" + line.substring(named + 3));
        }
        String name = named > 0 ? line.substring(0, named) : line;
        if (lines.put(name, last) != null) {
          throw new IllegalStateException("docker.types: `" + name + "` stands twice");
        }
      }
    }

    Map<String, Type> all() {
      for (String name : List.copyOf(lines.keySet())) {
        var _ = of(name);
      }
      return Map.copyOf(types);
    }

    private Type of(String name) {
      Type known = types.get(name);
      if (known == null) {
        known = make(name);
        types.put(name, known);
      }
      return known;
    }

    private Type make(String name) {
      if (name.startsWith("*")) {
        return new Type.Pointer(of(name.substring(1)));
      }
      if (name.startsWith("[")) {
        int close = name.indexOf(']');
        int length = close == 1 ? -1 : Integer.parseInt(name.substring(1, close));
        Type element = of(name.substring(close + 1));
        return new Type.Items(name.substring(0, close + 1) + element.name(), element, length);
      }
      if (name.startsWith("map[")) {
        int close = name.indexOf(']');
        Type key = of(name.substring(4, close));
        Type element = of(name.substring(close + 1));
        return new Type.Dict(name.substring(0, close + 1) + element.name(), key, element);
      }
      List<String> inside = lines.get(name);
      return inside == null
          ? basic(name)
          : inside.size() == 1 && inside.getFirst().startsWith("=")
              ? renamed(name, of(inside.getFirst().substring(1)))
              : new Type.Struct(name, inside.stream().map(this::field).toList());
    }

    private Type.Struct.Field field(String line) {
      String[] words = line.split(" ");
      if (words.length == 1) {
        String bare = line.substring(line.lastIndexOf('.') + 1);
        return new Type.Struct.Field(bare, of(line), "", /* omitEmpty= */ false);
      }
      String tag = words.length > 2 ? words[2] : "";
      String json = tag.replace(",omitempty", "");
      return new Type.Struct.Field(
          words[0], of(words[1]), json.isEmpty() ? words[0] : json, tag.endsWith(",omitempty"));
    }

    private static Type renamed(String name, Type type) {
      return switch (type) {
        case Type.Basic basic -> new Type.Basic(basic.kind(), name);
        case Type.Items items -> new Type.Items(name, items.element(), items.length());
        case Type.Dict dict -> new Type.Dict(name, dict.key(), dict.element());
        case Type.Any _, Type.Pointer _, Type.Struct _, Type.Methods _ ->
            throw new IllegalStateException(name);
      };
    }

    private static Type basic(String name) {
      return switch (name) {
        case "any" -> Type.ANY;
        case "bool" -> Type.BOOL;
        case "int" -> Type.INT;
        case "int64" -> Type.INT64;
        case "time.Duration" -> Type.DURATION;
        case "float64" -> Type.FLOAT;
        case "string" -> Type.STRING;
        case "time.Time" -> Type.TIME;
        case "struct{}" -> new Type.Struct("struct {}", List.of());
        case "uint", "uint16", "uint64" -> new Type.Basic(Type.Kind.UINT, name);
        default -> throw new IllegalStateException("docker.types: `" + name + "` is no type");
      };
    }
  }
}
