package io.berth.cli.template;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** A type of Go, as far as documents have them: it decides how a value is printed and compared. */
public sealed interface Type {
  Type ANY = new Any();
  Type BOOL = new Basic(Kind.BOOL, "bool");
  Type INT = new Basic(Kind.INT, "int");
  Type INT64 = new Basic(Kind.INT, "int64");
  Type DURATION = new Basic(Kind.INT, "time.Duration");
  Type FLOAT = new Basic(Kind.FLOAT, "float64");
  Type STRING = new Basic(Kind.STRING, "string");

  /** A number that JSON brought into a place without a type: Go keeps its text. */
  Type JSON_NUMBER = new Basic(Kind.STRING, "json.Number");

  /** A moment, which documents of networks have; its content is the text of RFC 3339. */
  Type TIME = new Basic(Kind.TIME, "time.Time");

  Type TEXTS = new Items("[]string", STRING, -1);

  /** What a basic type is at bottom. */
  enum Kind {
    BOOL,
    INT,
    UINT,
    FLOAT,
    STRING,
    TIME
  }

  /** The name as Go's {@code %T} tells it. */
  String name();

  /**
   * The interface that everything is of. No value but nil has it: others have types of their own.
   */
  record Any() implements Type {
    @Override
    public String name() {
      return "interface {}";
    }
  }

  /** A type without parts. */
  record Basic(Kind kind, String name) implements Type {}

  /**
   * A slice, or an array.
   *
   * @param length of an array; -1 for a slice
   */
  record Items(String name, Type element, int length) implements Type {}

  /** A map whose keys are strings, or of a type that is one at bottom. */
  record Dict(String name, Type key, Type element) implements Type {}

  /** A pointer. */
  record Pointer(Type target) implements Type {
    @Override
    public String name() {
      return "*" + target.name();
    }
  }

  /** A struct; its fields in the order in which they are printed. */
  record Struct(String name, List<Field> fields) implements Type {
    /** The names of its fields and of those embedded in it. */
    Set<String> names() {
      Set<String> names = new TreeSet<>();
      for (Field field : fields) {
        names.add(field.name());
        Type type = field.type() instanceof Pointer(Type target) ? target : field.type();
        if (field.embedded() && type instanceof Struct inner) {
          names.addAll(inner.names());
        }
      }
      return names;
    }

    /**
     * A field of a value of this type, or of one that is embedded in it; null for no such field.
     */
    @Nullable Value member(Value of, String name) {
      for (int i = 0; i < fields.size(); i++) {
        if (fields.get(i).name().equals(name)) {
          return of.items().get(i);
        }
      }
      for (int i = 0; i < fields.size(); i++) {
        Value embedded = of.items().get(i).target();
        if (fields.get(i).embedded() && embedded.type() instanceof Struct inner) {
          Value found = inner.member(embedded, name);
          if (found != null) {
            return found;
          }
        }
      }
      return null;
    }

    /** A field without a name of its own in JSON is embedded: its fields are found in this one. */
    record Field(String name, Type type, String json, boolean omitEmpty) {
      boolean embedded() {
        return json.isEmpty();
      }
    }
  }

  /** An object of a listing, which answers to methods alone. */
  record Methods(String name) implements Type {}
}
