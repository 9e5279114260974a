package io.berth.cli.template;

import java.math.BigDecimal;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;

/** Writes values as Go's {@code fmt} does. */
final class Printer {
  /** How much is told of structs: values, names too, or all as one would write it in Go. */
  enum Detail {
    PLAIN,
    NAMES,
    SYNTAX
  }

  private static final DateTimeFormatter MOMENT =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss", Locale.ROOT);

  private Printer() {}

  /** A value as {@code %v} writes it. */
  static String plain(Value value) {
    return print(value, Detail.PLAIN, 0);
  }

  static String print(Value value, Detail detail, int depth) {
    boolean syntax = detail == Detail.SYNTAX;
    return switch (value.type()) {
      case Type.Any _ -> syntax && depth > 0 ? "interface {}(nil)" : "<nil>";
      case Type.Basic basic -> basic(value, basic, syntax);
      case Type.Items items -> {
        if (syntax && value.isNil()) {
          yield items.name() + "(nil)";
        }
        String inside =
            value.items().stream()
                .map(one -> print(one, detail, depth + 1))
                .collect(Collectors.joining(syntax ? ", " : " "));
        yield syntax ? items.name() + "{" + inside + "}" : "[" + inside + "]";
      }
      case Type.Dict dict -> {
        if (syntax && value.isNil()) {
          yield dict.name() + "(nil)";
        }
        String inside =
            value.entries().entrySet().stream()
                .map(entry ->
                    (syntax ? Quoting.quote(entry.getKey()) : entry.getKey())
                        + ":"
                        + print(entry.getValue(), detail, depth + 1))
                .collect(Collectors.joining(syntax ? ", " : " "));
        yield syntax ? dict.name() + "{" + inside + "}" : "map[" + inside + "]";
      }
      case Type.Struct struct -> struct(value, struct, detail, depth);
      case Type.Pointer pointer -> pointer(value, pointer, detail, depth);
      case Type.Methods methods -> methods.name();
    };
  }

  /** Go shows an address for a pointer inside of something; what stands there tells more. */
  private static String pointer(Value value, Type.Pointer pointer, Detail detail, int depth) {
    if (value.isNil()) {
      return detail == Detail.SYNTAX ? "(" + pointer.name() + ")(nil)" : "<nil>";
    }
    boolean told = pointer.target().name().equals("units.Ulimit") && detail != Detail.SYNTAX;
    boolean composed = !(pointer.target() instanceof Type.Basic);
    return (told || !composed ? "" : "&") + print(value.target(), detail, depth);
  }

  private static String struct(Value value, Type.Struct struct, Detail detail, int depth) {
    List<Value> fields = value.items();
    if (struct.name().equals("units.Ulimit") && detail != Detail.SYNTAX) {
      // The one type of these documents that Go asks for its text.
      return plain(fields.get(0)) + "=" + plain(fields.get(2)) + ":" + plain(fields.get(1));
    }
    StringBuilder text =
        new StringBuilder(detail == Detail.SYNTAX ? struct.name() : "").append('{');
    for (int i = 0; i < fields.size(); i++) {
      text.append(i == 0 ? "" : detail == Detail.SYNTAX ? ", " : " ");
      text.append(detail == Detail.PLAIN ? "" : struct.fields().get(i).name() + ":");
      text.append(print(fields.get(i), detail, depth + 1));
    }
    return text.append('}').toString();
  }

  private static String basic(Value value, Type.Basic basic, boolean syntax) {
    return switch (basic.kind()) {
      case BOOL -> String.valueOf(value.flag());
      case INT ->
          basic.equals(Type.DURATION) && !syntax
              ? duration(value.number())
              : String.valueOf(value.number());
      case UINT ->
          syntax ? "0x" + Long.toHexString(value.number()) : Long.toUnsignedString(value.number());
      case FLOAT -> Numbers.shortest((Double) Objects.requireNonNull(value.content()), 6);
      case STRING -> syntax ? Quoting.quote(value.text()) : value.text();
      case TIME -> moment(value.text());
    };
  }

  /** A moment as Go prints it: {@code 2026-01-02 15:04:05.123 +0000 UTC}. */
  private static String moment(String text) {
    OffsetDateTime at = OffsetDateTime.parse(text);
    String fraction =
        at.getNano() == 0
            ? ""
            : String.format(Locale.ROOT, ".%09d", at.getNano()).replaceAll("0+$", "");
    String offset =
        at.getOffset().equals(ZoneOffset.UTC)
            ? "+0000"
            : at.getOffset().toString().replace(":", "");
    return MOMENT.format(at)
        + fraction
        + " "
        + offset
        + " "
        + (offset.equals("+0000") ? "UTC" : offset);
  }

  /** A length of time as Go prints it: {@code 1h0m0s}, {@code 1.5s}, {@code 20ms}. */
  private static String duration(long nanos) {
    BigDecimal all = BigDecimal.valueOf(nanos).abs();
    String sign = nanos < 0 ? "-" : "";
    if (nanos == 0) {
      return "0s";
    }
    for (int unit = 0; unit < 3; unit++) {
      if (all.compareTo(BigDecimal.TEN.pow(3 * (unit + 1))) < 0) {
        return sign + digits(all.movePointLeft(3 * unit)) + List.of("ns", "µs", "ms").get(unit);
      }
    }
    BigDecimal[] minutes = all.movePointLeft(9).divideAndRemainder(BigDecimal.valueOf(60));
    long whole = minutes[0].longValue();
    return sign
        + (whole >= 60 ? whole / 60 + "h" : "")
        + (whole > 0 ? whole % 60 + "m" : "")
        + digits(minutes[1])
        + "s";
  }

  private static String digits(BigDecimal number) {
    return number.signum() == 0 ? "0" : number.stripTrailingZeros().toPlainString();
  }
}
