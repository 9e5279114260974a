package io.berth.image.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.api.berth.container.v1.ImageConfig;
import io.berth.api.berth.image.v1.Image;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.Timestamps;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which images the filters of a list mean. */
final class ImageFilterTest {
  private static final Instant MADE = Instant.parse("2026-01-31T12:00:00Z");

  private static final Image NAMED =
      Image.newBuilder()
          .addNames("docker.io/library/busybox:1.36")
          .setCreatedAt(Timestamps.of(MADE))
          .setConfig(ImageConfig.newBuilder().putLabels("k", "1"))
          .build();

  private static ImageFilter filter(String... filters) {
    return ImageFilter.of(List.of(filters), "", _ -> MADE);
  }

  @ParameterizedTest
  @CsvSource({
    "dangling=false, true",
    "dangling=1, false",
    "label=k, true",
    "label=k=2, false",
    "label!=k, false",
    "reference=busybox*, true",
    "reference=*:1.36, true",
    "reference=alpine, false",
    "until=2026-02-01, true",
    "until=2026-01-31T12:00:00Z, false",
    "until=1.5h, true",
    "before=x, false",
    "since=x, false"
  })
  void filtersNarrow(String filter, boolean fits) {
    assertEquals(fits, filter(filter).matches(NAMED));
  }

  @Test
  void anyOfSeveralPatternsWillDo() {
    assertEquals(true, filter("reference=alpine", "reference=busybox").matches(NAMED));
  }

  /** Case L14. */
  @ParameterizedTest
  @ValueSource(
      strings = {"dangling=maybe", "reference=[", "until=soon", "colour=red", "label", "status=x"})
  void whatCannotFitIsRefused(String filter) {
    assertThrows(BerthException.InvalidArgument.class, () -> filter(filter));
  }
}
