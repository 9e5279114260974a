package io.berth.base.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Property;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Amounts of memory and of processors. */
final class SizesTest {
  @ParameterizedTest
  @CsvSource({
    "33554432, 33554432",
    "64m, 67108864",
    "64M, 67108864",
    "64mb, 67108864",
    "64 MiB, 67108864",
    "1.5g, 1610612736",
    "0.3, 0",
    "1k, 1024",
    "8191p, 9222246136947933184",
    "0, 0",
    "5b, 5"
  })
  void sizes(String word, long bytes) {
    assertEquals(bytes, ByteSize.parse("-m", word));
  }

  /** The exponents that a decimal may have elsewhere would need as much memory as they say. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "m",
        "x",
        "-1m",
        "1x",
        "8192p",
        "99999999999999g",
        "1 2",
        "1e9",
        "1e999999999"
      })
  void noSizes(String word) {
    Junk.refuses(() -> ByteSize.parse("-m", word));
  }

  @Test
  void sizesGiveWhatTheyWereMadeOfAndGrow() {
    Property.holds(
        Junk.ROUNDS,
        draw -> {
          int power = (int) draw.number(0, 5);
          long most = Long.MAX_VALUE >> (10 * power);
          long number = draw.number(0, most - 1);
          String unit = power == 0 ? "" : "kmgtp".substring(power - 1, power);
          String ending = draw.oneOf("", "b", power == 0 ? "" : "iB");
          long bytes = ByteSize.parse("-m", number + unit + ending);
          assertEquals(number << (10 * power), bytes);
          assertTrue(bytes < ByteSize.parse("-m", number + 1 + unit + ending));
        });
  }

  @Test
  void junkIsNoSize() {
    Junk.takes(word -> ByteSize.parse("-m", word), "1", "9999999", ".", "k", "P", "iB", "-", "e9");
    Junk.takes(word -> ByteSize.nanoCpus("--cpus", word), "1", "0", ".", "e9", "-", "/");
  }

  @Test
  void cpus() {
    assertEquals(1_500_000_000L, ByteSize.nanoCpus("--cpus", "1.5"));
    assertEquals(500_000_000L, ByteSize.nanoCpus("--cpus", ".5"));
    assertEquals(1, ByteSize.nanoCpus("--cpus", "0.000000001"));
    for (String word : List.of("", ".", "0", "-1", "a", "0.0000000001", "1e9")) {
      Junk.refuses(() -> ByteSize.nanoCpus("--cpus", word));
    }
  }
}
