package io.berth.oci.runtime;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a parser made, as values: absent becomes empty, null elements are left out. */
final class Values {
  private static final BigInteger MOST = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
  private static final BigInteger LEAST = BigInteger.valueOf(Long.MIN_VALUE);

  private Values() {}

  static <T> List<T> copy(@Nullable List<? extends @Nullable T> list) {
    if (list == null || list.isEmpty()) {
      return List.of();
    }
    List<T> result = new ArrayList<>(list.size());
    for (T element : list) {
      if (element != null) {
        result.add(element);
      }
    }
    return Collections.unmodifiableList(result);
  }

  static <V> Map<String, V> copy(@Nullable Map<String, ? extends @Nullable V> map) {
    if (map == null || map.isEmpty()) {
      return Map.of();
    }
    Map<String, V> result = new LinkedHashMap<>();
    for (Map.Entry<String, ? extends @Nullable V> entry : map.entrySet()) {
      V value = entry.getValue();
      if (value != null) {
        result.put(entry.getKey(), value);
      }
    }
    return Collections.unmodifiableMap(result);
  }

  static String text(@Nullable String text) {
    return text == null ? "" : text;
  }

  /** A number of up to 64 bits, signed or unsigned, into a long of the same bits. */
  static final class Bits64 extends JsonDeserializer<Long> {
    @Override
    public @Nullable Long deserialize(JsonParser parser, DeserializationContext context)
        throws IOException {
      BigInteger value = whole(parser, context);
      if (value.compareTo(MOST) > 0 || value.compareTo(LEAST) < 0) {
        return (Long)
            context.handleWeirdNumberValue(Long.class, value, "more than 64 bits are needed");
      }
      return value.longValue();
    }

    /** For a field that is absent. */
    @Override
    public Long getNullValue(DeserializationContext context) {
      return 0L;
    }

    private static BigInteger whole(JsonParser parser, DeserializationContext context)
        throws IOException {
      if (parser.currentToken() == JsonToken.VALUE_NUMBER_INT) {
        return parser.getBigIntegerValue();
      }
      if (parser.currentToken() == JsonToken.VALUE_NUMBER_FLOAT) {
        // Go writes large whole numbers of its generic documents as 1.8446744073709552e+19, which
        // is the nearest it can say to the largest one.
        BigDecimal value = parser.getDecimalValue();
        if (Math.abs((long) value.scale()) < 40) {
          BigInteger whole = value.toBigInteger();
          return whole.doubleValue() == MOST.doubleValue() ? MOST : whole;
        }
      }
      context.reportInputMismatch(Long.class, "a whole number belongs here");
      return BigInteger.ZERO;
    }
  }
}
