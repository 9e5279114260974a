package io.berth.base.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
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

  /** An engine that goes back and tries again would go on for longer than anybody waits. */
  @ParameterizedTest
  @ValueSource(strings = {"(.*a){20}$", "(.*.*.*.*.*.*)=x", "(a+)+=", "^(a|aa)+b$"})
  void whatOtherEnginesTryForYears_isAnswered(String expression) {
    assertFalse(ClientPattern.of(expression).finds("a".repeat(4000) + "!"));
  }

  /** These look at no letter, and their ways double with each group. */
  @Test
  void groupsOfNothing_areAnswered() {
    assertFalse(ClientPattern.of("(|)".repeat(1000) + "b").finds("a"));
  }

  @Test
  void longTexts_areAnswered() {
    assertTrue(ClientPattern.of("^(a|b)*$").finds("ab".repeat(1_000_000)));
  }

  /** What another syntax has and RE2 has not; and what would fill the heap or the stack. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "(",
        "(a)\\1",
        "a(?=b)",
        "a**",
        "a{1001}",
        "a{99999999999}",
        "(){2,100000}",
        "(((){1000}){1000}){1000}",
        "((x?){1000}){1000}",
        "((a{100}){100}){10}"
      })
  void whatIsNoExpression_orRepeatsTooOften_isRefused(String expression) {
    assertThrows(PatternSyntaxException.class, () -> ClientPattern.of(expression));
  }

  @Test
  void whatIsTooLongOrTooDeep_isRefused() {
    assertThrows(PatternSyntaxException.class, () -> ClientPattern.of("a".repeat(4097)));
    assertThrows(
        PatternSyntaxException.class,
        () -> ClientPattern.of("(".repeat(2000) + ")".repeat(2000) + "("));
    assertTrue(ClientPattern.of("(".repeat(100) + "a" + ")".repeat(100)).finds("a"));
  }

  /** Threads of services have small stacks. */
  @Test
  void whatGoesDownTooFarForAStack_isRefused() throws Exception {
    ClientPattern pattern = ClientPattern.of("(a?){999}");
    FutureTask<Boolean> found = new FutureTask<>(() -> pattern.finds("b"));
    new Thread(null, found, "small", 64 * 1024).start();
    ExecutionException e = assertThrows(ExecutionException.class, found::get);
    assertInstanceOf(BerthException.InvalidArgument.class, e.getCause());
  }
}
