package io.berth.base.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.testing.Property;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What lists are narrowed by. */
final class ListFiltersTest {
  private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
  private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");

  private static final List<String> KEYS = List.of("label", "label!", "name", "dangling", "until");

  /** Case L14: what fits nothing by mistake is refused. */
  @Test
  void filtersAreKnownOnes() {
    ListFilters filters =
        ListFilters.parse("things", List.of("name=b.*d", " Name = ^x$ ", "label=a"), KEYS);
    assertEquals(List.of("b.*d", "^x$"), filters.values("name"));
    assertTrue(filters.anyPattern("name", "abxd"));
    assertTrue(filters.anyPattern("name", "x"));
    assertEquals(false, filters.anyPattern("name", "xx"));
    BerthException e =
        assertThrows(
            BerthException.InvalidArgument.class,
            () -> ListFilters.parse("things", List.of("colour=red"), KEYS));
    assertEquals(
        "filter `colour=red`: there is no such key;"
            + " things have dangling, label, label!, name, until",
        e.getMessage());
    for (String word : List.of("name", "", "=x", "dangling=maybe", "dangling=True")) {
      Junk.refuses(() -> ListFilters.parse("things", List.of(word), KEYS).flag("dangling"));
    }
    Junk.refuses(() ->
        ListFilters.parse("things", List.of("dangling=1", "dangling=false"), KEYS)
            .flag("dangling"));
    Junk.refuses(() ->
        ListFilters.parse("things", List.of("until=1h", "until=2h"), KEYS)
            .until(NOW, ZoneOffset.UTC));
  }

  @Test
  void labelsFitAllTogether() {
    Property.holds(
        Junk.ROUNDS,
        draw -> {
          Map<String, String> labels = Map.of("a", "1", "b", "x=y");
          String has = draw.oneOf("a", "a=1", "b=x=y", "b");
          String hasNot = draw.oneOf("c", "a=2", "b=x", "", "=", "a=");
          assertEquals(true, fits(labels, "label=" + has, "label!=" + hasNot));
          assertEquals(false, fits(labels, "label=" + has, "label=" + hasNot));
          assertEquals(false, fits(labels, "label!=" + has, "label!=" + hasNot));
        });
  }

  private static boolean fits(Map<String, String> labels, String... filters) {
    return ListFilters.parse("things", List.of(filters), KEYS).fitsLabels(labels);
  }

  @Test
  void junkIsNoFilter() {
    Junk.takes(
        word -> {
          ListFilters filters = ListFilters.parse("things", List.of(word, "name=" + word), KEYS);
          assertEquals(
              true,
              filters.anyPattern("name", "x")
                  || !filters.fitsLabels(Map.of())
                  || filters.has("name"));
          var _ = filters.flag("dangling");
          var _ = filters.until(NOW, BERLIN);
        },
        "=",
        "label",
        "!",
        "name",
        "dangling",
        "true",
        "until",
        "1h",
        "(",
        "[a-",
        "*",
        "\\");
  }
}
