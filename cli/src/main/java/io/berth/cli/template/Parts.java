package io.berth.cli.template;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** The functions that take parts of values: {@code len}, {@code index} and {@code slice}. */
final class Parts {
  private static final Type BYTE = new Type.Basic(Type.Kind.UINT, "uint8");

  private Parts() {}

  static Value length(Value of) throws FunctionFailure {
    if (of.isMissing()) {
      throw new FunctionFailure("reflect: call of reflect.Value.Type on zero Value");
    }
    if (of.type() instanceof Type.Pointer && of.isNil()) {
      throw new FunctionFailure("len of nil pointer");
    }
    Value value = of.target();
    return Value.of(
        switch (value.type()) {
          case Type.Items _ -> value.items().size();
          case Type.Dict _ -> value.entries().size();
          case Type.Any _, Type.Basic _, Type.Pointer _, Type.Struct _, Type.Methods _ -> {
            if (!value.isText()) {
              throw new FunctionFailure("len of type " + value.type().name());
            }
            yield value.text().getBytes(StandardCharsets.UTF_8).length;
          }
        });
  }

  static Value index(Value of, List<Value> indexes) throws FunctionFailure {
    Value value = of;
    if (value.isMissing()) {
      throw new FunctionFailure("index of untyped nil");
    }
    for (Value index : indexes) {
      if (value.isMissing()) {
        // The element of a map without it, whose type could be any.
        throw new FunctionFailure("index of nil pointer");
      }
      if (value.type() instanceof Type.Pointer && value.isNil()) {
        throw new FunctionFailure("index of nil pointer");
      }
      value = element(value.target(), index);
    }
    return value;
  }

  private static Value element(Value of, Value index) throws FunctionFailure {
    switch (of.type()) {
      case Type.Items _ -> {
        List<Value> items = of.items();
        int at = position(index, items.size());
        if (at == items.size()) {
          throw new FunctionFailure("reflect: slice index out of range");
        }
        return items.get(at);
      }
      case Type.Dict(_, Type key, Type element) -> {
        if (index.isMissing()) {
          throw new FunctionFailure("value is nil; should be of type " + key.name());
        }
        if (!index.type().equals(key)) {
          throw new FunctionFailure(
              "value has type " + index.type().name() + "; should be " + key.name());
        }
        Value found = of.entries().get(index.text());
        return found == null ? DocumentTypes.zero(element) : found;
      }
      case Type.Any _, Type.Basic _, Type.Pointer _, Type.Struct _, Type.Methods _ -> {
        if (!of.isText()) {
          throw new FunctionFailure("can't index item of type " + of.type().name());
        }
        byte[] bytes = of.text().getBytes(StandardCharsets.UTF_8);
        int at = position(index, bytes.length);
        if (at == bytes.length) {
          throw new FunctionFailure("reflect: string index out of range");
        }
        return new Value(BYTE, (long) (bytes[at] & 0xFF));
      }
    }
  }

  private static int position(Value index, int length) throws FunctionFailure {
    if (index.isMissing()) {
      throw new FunctionFailure("cannot index slice/array with nil");
    }
    if (!index.isWhole()) {
      throw new FunctionFailure("cannot index slice/array with type " + index.type().name());
    }
    if (index.number() < 0 || index.number() > length) {
      throw new FunctionFailure("index out of range: " + index.number());
    }
    return (int) index.number();
  }

  static Value slice(Value of, List<Value> indexes) throws FunctionFailure {
    if (of.isMissing()) {
      throw new FunctionFailure("slice of untyped nil");
    }
    if (of.type() instanceof Type.Pointer && of.isNil()) {
      throw new FunctionFailure("slice of nil pointer");
    }
    Value value = of.target();
    if (indexes.size() > 3) {
      throw new FunctionFailure("too many slice indexes: " + indexes.size());
    }
    boolean text = value.isText();
    if (text && indexes.size() == 3) {
      throw new FunctionFailure("cannot 3-index slice a string");
    }
    if (!text && !(value.type() instanceof Type.Items)) {
      throw new FunctionFailure("can't slice item of type " + value.type().name());
    }
    byte[] bytes = text ? value.text().getBytes(StandardCharsets.UTF_8) : new byte[0];
    int length = text ? bytes.length : value.items().size();
    int[] bounds = {0, length, length};
    for (int i = 0; i < indexes.size(); i++) {
      bounds[i] = position(indexes.get(i), length);
    }
    for (int i = 0; i + 1 < Math.max(2, indexes.size()); i++) {
      if (bounds[i] > bounds[i + 1]) {
        throw new FunctionFailure("invalid slice index: " + bounds[i] + " > " + bounds[i + 1]);
      }
    }
    return new Value(
        value.type(),
        text
            ? new String(bytes, bounds[0], bounds[1] - bounds[0], StandardCharsets.UTF_8)
            : value.items().subList(bounds[0], bounds[1]));
  }
}
