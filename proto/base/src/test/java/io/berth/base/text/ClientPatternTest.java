package io.berth.base.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import java.util.regex.PatternSyntaxException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ClientPatternTest {
  @ParameterizedTest
  @CsvSource({
    "^a+$, aaa, true",
    "^a+$, aab, false",
    "b{2}, abba, true",
    "'(?i)NAME', my.name, true",
    "'', x, true",
    "^[a-z0-9]{64}$, x, false"
  })
  void findsAsPatternsDo(String expression, String text, boolean fits) {
    assertEquals(fits, ClientPattern.of(expression).finds(text));
  }

  /** Each would go on for longer than anybody waits. */
  @ParameterizedTest
  @ValueSource(strings = {"(.*a){20}$", "(.*.*.*.*.*.*)=x", "(a+)+\\1=", "^(a|aa)+\\1$"})
  void whatTriesAgainForYears_isGivenUp(String expression) {
    ClientPattern pattern = ClientPattern.of(expression);
    String text = "a".repeat(60) + "!";
    BerthException e =
        assertThrows(BerthException.InvalidArgument.class, () -> pattern.finds(text));
    assertEquals(
        "regular expression `"
            + expression
            + "`: takes too long; leave out repetitions within repetitions",
        e.getMessage());
  }

  @Test
  void whatNestsTooDeeply_isGivenUp() {
    ClientPattern pattern = ClientPattern.of("^(a|b)*$");
    assertThrows(BerthException.InvalidArgument.class, () -> pattern.finds("ab".repeat(1_000_000)));
    assertThrows(PatternSyntaxException.class, () -> ClientPattern.of("(".repeat(1_000_000)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"(((){1000}){1000}){1000}", "a{99999999999}", "(", "(){2,100000}"})
  void whatIsNoExpression_orRepeatsNothingTooOften_isRefused(String expression) {
    assertThrows(PatternSyntaxException.class, () -> ClientPattern.of(expression));
  }
}
