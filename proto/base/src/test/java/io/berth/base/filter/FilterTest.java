package io.berth.base.filter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class FilterTest {
  private static final Map<String, String> LABELS =
      Map.of("foo.bar", "1", "containerd.io/x", "a b", "plain", "docker.io/library/alpine:latest");

  private static boolean matches(String... filters) {
    return Filter.of(List.of(filters))
        .matches(path ->
            switch (path.getFirst()) {
              case "name" -> "docker.io/library/alpine:latest";
              case "empty" -> "";
              case "labels" -> LABELS.get(Filter.key(path));
              default -> null;
            });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '\0',
      value = {
        "name==docker.io/library/alpine:latest;true",
        "name==other;false",
        "name!=other;true",
        "missing!=x;true",
        "missing==x;false",
        "missing;false",
        "empty;true",
        "name~=^docker;true",
        "name~=|alp(in)e|;true",
        "name~=/library\\/alpine/;true",
        "name~=[;false",
        "labels.foo.bar==1;true",
        "labels.\"containerd.io/x\"==\"a b\";true",
        "labels.\"containerd.io/x\"==\"a\\x20b\";true",
        "labels.\"containerd.io/x\",name==other;false",
        "labels.\"containerd.io/x\", name~=alpine;true",
        "empty==\"\";true",
      })
  void selectorsMatchAsClientsExpect(String filter, boolean expected) {
    assertEquals(expected, matches(filter), filter);
  }

  @Test
  void severalFiltersAreAlternativesAndAnEmptyOneMatchesAll() {
    assertTrue(matches("name==no", "name~=alpine"));
    assertTrue(matches("name==no", ""));
    assertTrue(matches());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "name=x",
        "name==",
        "name== ",
        "name ",
        "name==a ,b",
        "labels.a/b==x",
        "==x",
        "name===x",
        "name==/a/b",
        "name==.a",
        "name==\"a",
        "name==\"\\q\"",
        ",",
        "name,",
        "name==|a|",
        "name==\"a\nb\""
      })
  void whatIsNoFilterIsRefusedWithItsPlace(String filter) {
    BerthException e = assertThrows(BerthException.InvalidArgument.class, () -> matches(filter));
    assertTrue(e.getMessage().startsWith("filters: parse error: ["), e.getMessage());
  }
}
