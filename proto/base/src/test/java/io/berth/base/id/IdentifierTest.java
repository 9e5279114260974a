package io.berth.base.id;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class IdentifierTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "a",
        "web-1",
        "A.b_c-d",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      })
  void namesOfTheRuleAreTaken(String text) {
    assertEquals(text, Identifier.check(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-a", "a-", "a..b", "a/b", "../a", "a b", "ä", "a\n"})
  void whatCouldBeAPathOrATrickIsRefused(String text) {
    assertThrows(BerthException.InvalidArgument.class, () -> Identifier.check(text));
  }

  @Test
  void seventySevenCharactersAreOneTooMany() {
    assertEquals(76, Identifier.check("a".repeat(76)).length());
    assertThrows(BerthException.InvalidArgument.class, () -> Identifier.check("a".repeat(77)));
  }

  @Test
  void aDigestIsItsAlgorithmAndTheRightNumberOfDigits() {
    String hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assertEquals(new Digest("sha256", hex), Digest.sha256(""));
    for (String bad :
        List.of(
            "",
            "sha256",
            "sha256:",
            "sha256:" + hex.substring(1),
            "sha256:" + hex.toUpperCase(java.util.Locale.ROOT),
            "md5:" + hex)) {
      assertThrows(BerthException.InvalidArgument.class, () -> Digest.of(bad), bad);
    }
  }

  @Test
  void anEmptyValueDeletesALabelAndALongPairIsRefused() {
    assertEquals(
        Map.of("b", "2"),
        Labels.updated(Map.of("a", "1", "b", "2"), Map.of("a", ""), List.of("labels.a")));
    assertEquals(
        Map.of("c", "3"), Labels.updated(Map.of("a", "1"), Map.of("c", "3"), List.of("labels")));
    BerthException e =
        assertThrows(
            BerthException.InvalidArgument.class,
            () -> Labels.check(Map.of("key-of-it", "v".repeat(4096))));
    assertEquals(
        "label key and value length (4105 bytes) greater than maximum size (4096 bytes), key:"
            + " key-of-it",
        e.getMessage());
  }
}
