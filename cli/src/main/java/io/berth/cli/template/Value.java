package io.berth.cli.template;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A value with its type in Go. The content is, by the type: a {@link Boolean}, a {@link Long} (also
 * of unsigned ones), a {@link Double}, a {@link String}; a {@link List} of values; a {@link
 * SortedMap} of values by key; of a struct a {@link List} of its fields' values; of a pointer the
 * value that it points to; of an object of a listing a {@link Cells}. Null is nil.
 */
public record Value(Type type, @Nullable Object content) {
  /** No value at all: what a missing key of a map answers. */
  static final Value NONE = new Value(Type.ANY, "no value");

  /** A nil without a type. */
  static final Value NIL = new Value(Type.ANY, null);

  static Value of(String text) {
    return new Value(Type.STRING, text);
  }

  static Value of(boolean flag) {
    return new Value(Type.BOOL, flag);
  }

  static Value of(long number) {
    return new Value(Type.INT, number);
  }

  /** An object of a listing. */
  public static Value of(Cells row) {
    return new Value(new Type.Methods(row.type()), row);
  }

  /** Whether this is nothing that a function of a certain type could take. */
  boolean isMissing() {
    return type instanceof Type.Any;
  }

  boolean isNil() {
    return content == null;
  }

  boolean isText() {
    return type instanceof Type.Basic basic && basic.kind() == Type.Kind.STRING;
  }

  boolean isWhole() {
    return type instanceof Type.Basic(Type.Kind kind, _)
        && (kind == Type.Kind.INT || kind == Type.Kind.UINT);
  }

  boolean isUnsigned() {
    return type instanceof Type.Basic basic && basic.kind() == Type.Kind.UINT;
  }

  String text() {
    return (String) known();
  }

  long number() {
    return (Long) known();
  }

  boolean flag() {
    return (Boolean) known();
  }

  /** The elements of a slice or a struct; none of a nil one. */
  @SuppressWarnings("unchecked") // The class's contract: these types have no other content.
  List<Value> items() {
    return content == null ? List.of() : (List<Value>) content;
  }

  /** The entries of a map; none of a nil one. */
  @SuppressWarnings("unchecked") // The class's contract: these types have no other content.
  SortedMap<String, Value> entries() {
    return content == null ? new TreeMap<>() : (SortedMap<String, Value>) content;
  }

  /** What a pointer points to; itself for what is no pointer, and for a nil one. */
  Value target() {
    return type instanceof Type.Pointer && content != null ? (Value) content : this;
  }

  /** Whether {@code if} takes this for true: it is not the zero of its type. */
  boolean isTrue() {
    return switch (type) {
      case Type.Any _ -> false;
      case Type.Basic basic ->
          switch (basic.kind()) {
            case BOOL -> flag();
            case INT, UINT -> number() != 0;
            case FLOAT -> (Double) known() != 0;
            case STRING -> !text().isEmpty();
            case TIME -> true;
          };
      case Type.Items _ -> !items().isEmpty();
      case Type.Dict _ -> !entries().isEmpty();
      case Type.Pointer _ -> content != null;
      case Type.Struct _, Type.Methods _ -> true;
    };
  }

  private Object known() {
    if (content == null) {
      throw new IllegalStateException("a nil of " + type.name());
    }
    return content;
  }
}
