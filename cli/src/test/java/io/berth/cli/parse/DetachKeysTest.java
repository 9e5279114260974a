package io.berth.cli.parse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import java.util.HexFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The keys that take a client away. */
final class DetachKeysTest {
  @ParameterizedTest
  @CsvSource({
    "'', 10 11",
    "'ctrl-p,ctrl-q', 10 11",
    "'ctrl-A,d', 01 64",
    "'ctrl-@,ctrl-[,ctrl-_', 00 1b 1f",
    "x, 78"
  })
  void detachKeys(String text, String bytes) {
    assertEquals(bytes, HexFormat.ofDelimiter(" ").formatHex(DetachKeys.of(text).bytes()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {",", "ctrl-", "ctrl-1", "ab", " ", "é", "a,", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"})
  void noDetachKeys(String text) {
    assertThrows(BerthException.InvalidArgument.class, () -> DetachKeys.of(text));
  }
}
