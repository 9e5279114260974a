package io.berth.base.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Property;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** Bytes that ought to be text. */
final class RawTextTest {
  /** Case L21: text is itself, and a byte that is none is told from all text. */
  @Test
  void bytesThatAreNoTextAreTold() {
    Property.holds(
        Junk.ROUNDS,
        draw -> {
          byte[] text = draw.junk("a", "ü", "€", "\ud83d\ude00").getBytes(StandardCharsets.UTF_8);
          String decoded = new String(text, StandardCharsets.UTF_8);
          assertEquals(decoded, RawText.decode(text));
          assertTrue(RawText.isText(decoded));
          assertEquals(decoded, RawText.shown(decoded));
          byte[] raw = Arrays.copyOf(text, text.length + 2);
          raw[text.length] = (byte) draw.number(0x80, 0xff);
          raw[text.length + 1] = 'z';
          assertEquals(false, RawText.isText(RawText.decode(raw)));
          String shown = String.format(Locale.ROOT, "\\x%02xz", raw[text.length] & 0xff);
          assertEquals(decoded + shown, RawText.shown(RawText.decode(raw)));
        });
  }
}
