package io.berth.oci.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ImageReferenceTest {
  private static final String HEX = "0123456789abcdef".repeat(4);

  @ParameterizedTest
  @CsvSource({
    "nginx, docker.io/library/nginx:latest, nginx:latest",
    "abc/def, docker.io/abc/def:latest, abc/def:latest",
    "busybox:1.36, docker.io/library/busybox:1.36, busybox:1.36",
    "docker.io/busybox, docker.io/library/busybox:latest, busybox:latest",
    "index.docker.io/library/busybox, docker.io/library/busybox:latest, busybox:latest",
    "localhost/a, localhost/a:latest, localhost/a:latest",
    "127.0.0.1:5000/a/b/c:v1, 127.0.0.1:5000/a/b/c:v1, 127.0.0.1:5000/a/b/c:v1",
    "[::1]:5000/a, [::1]:5000/a:latest, [::1]:5000/a:latest",
    "quay.io/a__b/c.d-e--f, quay.io/a__b/c.d-e--f:latest, quay.io/a__b/c.d-e--f:latest",
    "library/x/y, docker.io/library/x/y:latest, library/x/y:latest",
  })
  void of_fillsInWhatPeopleLeaveOut(String text, String full, String familiar) {
    ImageReference reference = ImageReference.of(text);
    assertEquals(full, reference.toString());
    assertEquals(familiar, reference.familiar());
    assertEquals(reference, ImageReference.of(full));
    assertEquals(reference, ImageReference.of(familiar));
  }

  @Test
  void of_digestNeedsNoTag() {
    assertEquals(
        "docker.io/library/a@sha256:" + HEX, ImageReference.of("a@sha256:" + HEX).toString());
    ImageReference both = ImageReference.of("a:t@sha256:" + HEX);
    assertEquals("docker.io/library/a:t@sha256:" + HEX, both.toString());
    assertEquals("sha256:" + HEX, both.version());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "A",
        "a/B",
        "a//b",
        "/a",
        "a/",
        "a:",
        "a:-t",
        "a:b:c",
        "a@",
        "a@sha256:12",
        "a@md5:00",
        "a b",
        "a..b",
        "-a",
        "a-",
        "a___b",
        "ho st.x/a",
        "-host.com/a",
        "a:t\n",
        "\u0430",
        "../a",
        "a/../b",
        "localhost:port/a",
      })
  void of_refusesAndSaysWhy(String text) {
    var e = assertThrows(BerthException.InvalidArgument.class, () -> ImageReference.of(text));
    assertTrue(e.getMessage().startsWith("invalid reference format: `"), e.getMessage());
  }

  @Test
  void of_refusesAnId() {
    var e = assertThrows(BerthException.InvalidArgument.class, () -> ImageReference.of(HEX));
    assertEquals(
        "invalid reference format: `" + HEX + "`: 64 hex digits are an image's id, not a name",
        e.getMessage());
  }

  @Test
  void of_anyTextIsReadOrRefused_andWhatIsReadIsStable() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<String> bits =
        List.of(
            "a",
            "b0",
            ".",
            "-",
            "_",
            "/",
            ":",
            "@",
            "sha256:",
            HEX,
            "localhost",
            "X",
            "[::1]",
            "5000",
            "\0");
    for (int i = 0; i < 20_000; i++) {
      StringBuilder text = new StringBuilder();
      for (int n = random.nextInt(8); n >= 0; n--) {
        text.append(bits.get(random.nextInt(bits.size())));
      }
      try {
        ImageReference reference = ImageReference.of(text.toString());
        assertEquals(reference, ImageReference.of(reference.toString()), () -> "seed " + seed);
      } catch (BerthException.InvalidArgument refused) {
        // The only way out beside an answer.
      }
    }
  }
}
