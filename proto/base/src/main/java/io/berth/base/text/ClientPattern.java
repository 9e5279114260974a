package io.berth.base.text;

import io.berth.base.error.BerthException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A regular expression that somebody outside wrote, tried in a bounded number of steps: the engine
 * of {@link Pattern} goes back and tries again, and a few letters can have it do so for years.
 * Thread-safe.
 */
public final class ClientPattern {
  /** Looks at letters: some milliseconds, and many times what an honest expression needs. */
  private static final int MOST_STEPS = 1_000_000;

  /** Of the counts of an expression multiplied, for repeating nothing looks at no letter. */
  private static final long MOST_REPETITIONS = 10_000;

  private static final Pattern COUNT = Pattern.compile("\\{(\\d+)(?:,(\\d*))?}");

  private final Pattern pattern;

  private ClientPattern(Pattern pattern) {
    this.pattern = pattern;
  }

  /**
   * Reads it.
   *
   * @throws PatternSyntaxException if it is none, or repeats too often
   */
  public static ClientPattern of(String expression) {
    long repetitions = 1;
    Matcher counts = COUNT.matcher(expression);
    while (counts.find()) {
      String most = counts.group(2);
      String count = most == null || most.isEmpty() ? counts.group(1) : most;
      repetitions = count.length() > 5 ? Long.MAX_VALUE : repetitions * Long.parseLong(count);
      if (repetitions > MOST_REPETITIONS) {
        throw new PatternSyntaxException("repeats too often", expression, counts.start());
      }
      repetitions = Math.max(repetitions, 1);
    }
    try {
      return new ClientPattern(Pattern.compile(expression));
    } catch (StackOverflowError e) {
      throw new PatternSyntaxException("is nested too deeply", expression, -1);
    }
  }

  /** Whether it fits a part of a text. INVALID_ARGUMENT if that takes too long to tell. */
  public boolean finds(String text) {
    try {
      return pattern.matcher(new Counted(text, new Steps())).find();
    } catch (TooManySteps | StackOverflowError e) {
      throw new BerthException.InvalidArgument(
          "regular expression `"
              + pattern
              + "`: takes too long; leave out repetitions within repetitions",
          e);
    }
  }

  private static final class TooManySteps extends RuntimeException {
    private static final long serialVersionUID = 1;

    TooManySteps() {
      super("too many steps", null, false, false);
    }
  }

  private static final class Steps {
    private int taken;

    void take() {
      if (++taken > MOST_STEPS) {
        throw new TooManySteps();
      }
    }
  }

  /** A text that counts how often it is looked at. */
  private record Counted(String text, Steps steps) implements CharSequence {
    @Override
    public char charAt(int index) {
      steps.take();
      return text.charAt(index);
    }

    @Override
    public int length() {
      return text.length();
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return new Counted(text.substring(start, end), steps);
    }

    @Override
    public String toString() {
      return text;
    }
  }
}
