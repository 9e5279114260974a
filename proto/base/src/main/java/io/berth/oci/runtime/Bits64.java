package io.berth.oci.runtime;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import org.jspecify.annotations.Nullable;

/** Reads a whole number of up to 64 bits, signed or unsigned, into a long of the same bits. */
final class Bits64 extends JsonDeserializer<Long> {
  private static final BigInteger MOST = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
  private static final BigInteger LEAST = BigInteger.valueOf(Long.MIN_VALUE);

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

  /** The value of a field that is absent or null. */
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
      // encoding/json of Go writes numbers of generic documents as float64, and the largest one as
      // 1.8446744073709552e+19, which is the float64 next to it.
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
