package io.berth.base.text;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.testing.Property;
import java.util.function.Consumer;

/** Words that are none, for the readers of this package. */
final class Junk {
  static final int ROUNDS = 2000;

  private Junk() {}

  /** Junk gives a value, or the one refusal in one line; any other exception fails. */
  static void takes(Consumer<String> reader, String... pieces) {
    Property.holds(
        ROUNDS,
        draw -> {
          String word = draw.junk(pieces);
          try {
            reader.accept(word);
          } catch (BerthException.InvalidArgument e) {
            assertTrue(e.getMessage().indexOf('\n') < 0, e.getMessage());
          }
        });
  }

  static void refuses(Runnable reading) {
    assertThrows(BerthException.InvalidArgument.class, reading::run);
  }
}
