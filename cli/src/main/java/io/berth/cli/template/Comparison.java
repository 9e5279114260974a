package io.berth.cli.template;

import java.util.List;
import java.util.Objects;

/** {@code eq} and {@code lt}, and with them the other four. */
final class Comparison {
  private Comparison() {}

  /** What can be compared with what. */
  private enum Sort {
    BOOL,
    WHOLE,
    FLOAT,
    TEXT,
    OTHER
  }

  private static Sort sort(Value value) {
    return !(value.type() instanceof Type.Basic basic)
        ? Sort.OTHER
        : switch (basic.kind()) {
          case BOOL -> Sort.BOOL;
          case INT, UINT -> Sort.WHOLE;
          case FLOAT -> Sort.FLOAT;
          case STRING -> Sort.TEXT;
          case TIME -> Sort.OTHER;
        };
  }

  /** Whether a value equals one of others. */
  static boolean equal(Value first, List<Value> others) throws FunctionFailure {
    if (others.isEmpty()) {
      throw new FunctionFailure("missing argument for comparison");
    }
    for (Value other : others) {
      if (equal(first, other)) {
        return true;
      }
    }
    return false;
  }

  private static boolean equal(Value a, Value b) throws FunctionFailure {
    if (sort(a) != sort(b)) {
      if (a.isMissing() || b.isMissing()) {
        return false;
      }
      throw new FunctionFailure("incompatible types for comparison");
    }
    return switch (sort(a)) {
      case WHOLE -> order(a, b) == 0;
      case BOOL, FLOAT, TEXT -> Objects.equals(a.content(), b.content());
      case OTHER -> {
        if (a.isMissing() || b.isMissing() || a.isNil() || b.isNil()) {
          yield (a.isMissing() || a.isNil()) == (b.isMissing() || b.isNil());
        }
        for (Value one : List.of(a, b)) {
          if (one.type() instanceof Type.Items || one.type() instanceof Type.Dict) {
            throw new FunctionFailure(
                "non-comparable type " + Printer.plain(one) + ": " + one.type().name());
          }
        }
        yield a.equals(b);
      }
    };
  }

  static boolean less(Value a, Value b) throws FunctionFailure {
    if (sort(a) == Sort.OTHER || sort(b) == Sort.OTHER) {
      throw new FunctionFailure("invalid type for comparison");
    }
    if (sort(a) != sort(b)) {
      throw new FunctionFailure("incompatible types for comparison");
    }
    return switch (sort(a)) {
      case WHOLE -> order(a, b) < 0;
      case FLOAT -> real(a) < real(b);
      case TEXT -> a.text().compareTo(b.text()) < 0;
      case BOOL, OTHER -> throw new FunctionFailure("invalid type for comparison");
    };
  }

  static boolean lessOrEqual(Value a, Value b) throws FunctionFailure {
    return less(a, b) || equal(a, b);
  }

  private static double real(Value value) {
    return value.content() instanceof Double number ? number : Double.NaN;
  }

  /** Whole numbers by their worth, whether signed or not. */
  private static int order(Value a, Value b) {
    boolean hugeA = a.isUnsigned() && a.number() < 0;
    boolean hugeB = b.isUnsigned() && b.number() < 0;
    return hugeA != hugeB ? Boolean.compare(hugeA, hugeB) : Long.compare(a.number(), b.number());
  }
}
