package io.berth.testing;

import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/**
 * Asks whether something holds for values that are drawn by chance. A failure tells the seed of the
 * round; {@code -Dberth.seed=SEED} draws the same values again, once.
 */
public final class Property {
  private static final String GIVEN = "berth.seed";

  private Property() {}

  /** Runs the property so often, each time with other draws, and fails with the round's seed. */
  public static void holds(int rounds, Consumer<Draw> property) {
    Long given = Long.getLong(GIVEN);
    if (given != null) {
      round(given, property);
      return;
    }
    Random seeds = new Random();
    for (int i = 0; i < rounds; i++) {
      round(seeds.nextLong(), property);
    }
  }

  private static void round(long seed, Consumer<Draw> property) {
    Draw draw = new Draw(seed);
    try {
      property.accept(draw);
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(
          "does not hold with -D" + GIVEN + "=" + seed + ", which drew " + draw.drawn, e);
    }
  }

  /** What one round draws its values from. For one thread. */
  public static final class Draw {
    private static final int LONGEST = 24;

    private final Random random;
    private final StringBuilder drawn = new StringBuilder();

    private Draw(long seed) {
      random = new Random(seed);
    }

    /** A number between two others, which are as likely as a number between them. */
    public long number(long from, long to) {
      long number =
          switch (random.nextInt(8)) {
            case 0 -> from;
            case 1 -> to;
            default -> to == Long.MAX_VALUE ? near(from, to) : random.nextLong(from, to + 1);
          };
      drawn.append('<').append(number).append('>');
      return number;
    }

    private long near(long from, long to) {
      long number = random.nextLong() >>> random.nextInt(Long.SIZE);
      return number < from || number > to ? from : number;
    }

    /** One of these. */
    @SafeVarargs
    public final <T> T oneOf(T... values) {
      return values[(int) number(0, values.length - 1)];
    }

    /**
     * A text as somebody might type it who is wrong or wants harm: pieces that belong into such a
     * text, in any order, mixed with any characters, halves of characters among them.
     */
    public String junk(String... pieces) {
      StringBuilder text = new StringBuilder();
      int length = random.nextInt(LONGEST);
      List<String> known = List.of(pieces);
      for (int i = 0; i < length; i++) {
        switch (random.nextInt(8)) {
          case 0 -> text.append((char) random.nextInt(1 << 16));
          case 1 -> text.append((char) random.nextInt(128));
          case 2 -> text.append(random.nextInt(10));
          default -> text.append(known.get(random.nextInt(known.size())));
        }
      }
      drawn.append('<').append(text).append('>');
      return text.toString();
    }
  }
}
