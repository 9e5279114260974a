package io.berth.cli.template;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the recorded answers do not reach: later Go, hints, and the bounds of our own. */
final class TemplateTest {
  private static String of(String template) {
    return Template.parse(template).apply(Value.of(""));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '!',
      value = {
        "{{range 3}}{{.}}{{end}}!012",
        "{{range $i := 2}}{{$i}}{{end}}!01",
        "{{range 0}}x{{else}}none{{end}}!none",
        "{{with \"\"}}a{{else with \"b\"}}{{.}}{{else}}c{{end}}!b",
        "{{with \"\"}}a{{else with \"\"}}b{{else}}c{{end}}!c",
        "{{join (split \"1 2\" \" \") \"+\"}}!1+2",
      })
  void whatLaterGoAdded(String template, String expected) {
    assertEquals(expected, of(template));
  }

  @Test
  void aTemplateThatUsesItselfEnds() {
    BerthException e =
        assertThrows(
            BerthException.FailedPrecondition.class,
            () -> of("{{define \"T\"}}{{template \"T\"}}{{end}}{{template \"T\"}}"));
    assertTrue(e.getMessage().contains("exceeded maximum template depth"), e.getMessage());
  }

  @Test
  void anErrorNamesItsLine() {
    BerthException e =
        assertThrows(BerthException.InvalidArgument.class, () -> Template.parse("a\nb{{if}}"));
    assertEquals("template: :2: missing value for if", e.getMessage());
  }

  @Test
  void aNameInATableDoesNotMoveTheCursor() {
    Cells cells = new Cells("thing").cell("Name", () -> "a\u001b[2Jb");
    assertEquals(
        "NAME\na?[2Jb\n",
        ListingFormat.parse("table {{.Name}}").text(Map.of("Name", "NAME"), List.of(cells)));
    assertEquals(
        "a\u001b[2Jb\n",
        ListingFormat.parse("{{.Name}}").text(Map.of("Name", "NAME"), List.of(cells)));
  }
}
