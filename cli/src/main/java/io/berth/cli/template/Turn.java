package io.berth.cli.template;

import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** One turn of a loop: an element, and its index or key. */
record Turn(Value index, Value element) {
  /** The turns of a loop over a value; null for a value of which there are no elements. */
  static @Nullable Iterator<Turn> all(Value over) {
    if (over.isWhole()) {
      return LongStream.range(0, over.number())
          .mapToObj(i -> new Turn(Value.NONE, new Value(over.type(), i)))
          .iterator();
    }
    return switch (over.type()) {
      case Type.Any _ -> Collections.emptyIterator();
      case Type.Items _ -> {
        List<Value> items = over.items();
        yield IntStream.range(0, items.size())
            .mapToObj(i -> new Turn(Value.of(i), items.get(i)))
            .iterator();
      }
      case Type.Dict dict ->
          over.entries().entrySet().stream()
              .map(one -> new Turn(new Value(dict.key(), one.getKey()), one.getValue()))
              .iterator();
      case Type.Basic _, Type.Pointer _, Type.Struct _, Type.Methods _ -> null;
    };
  }
}
