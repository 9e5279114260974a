package io.berth.base.text;

import com.google.re2j.Pattern;
import io.berth.base.error.BerthException;
import java.util.regex.Matcher;
import java.util.regex.PatternSyntaxException;

/**
 * A regular expression that somebody outside wrote, in the syntax of Go's {@code regexp} (RE2), as
 * clients of containerd and docker write them. Trying one takes a time that grows with the length
 * of the text alone, for RE2 never goes back; what an expression costs is bounded when it is read.
 * Thread-safe.
 */
public final class ClientPattern {
  /** Letters of an expression: reading groups within groups takes their square. */
  private static final int MOST_LETTERS = 4096;

  /** Letters times counts: what an expression may come to when it is written out, before it is. */
  private static final long MOST_WRITTEN_OUT = 1_000_000;

  /** Instructions: each letter of a text is held against all of them, at the worst. */
  private static final int MOST_INSTRUCTIONS = 10_000;

  private static final java.util.regex.Pattern COUNT =
      java.util.regex.Pattern.compile("\\{(\\d+)(?:,(\\d*))?}");

  private final Pattern pattern;

  private ClientPattern(Pattern pattern) {
    this.pattern = pattern;
  }

  /**
   * Reads it.
   *
   * @throws PatternSyntaxException if it is none, or is too long, too deep or repeats too often
   */
  public static ClientPattern of(String expression) {
    if (expression.length() > MOST_LETTERS) {
      throw new PatternSyntaxException("has more than " + MOST_LETTERS + " letters", "", -1);
    }
    boundRepetitions(expression);
    try {
      Pattern pattern = Pattern.compile(expression);
      if (pattern.programSize() > MOST_INSTRUCTIONS) {
        throw new PatternSyntaxException("repeats too often", expression, -1);
      }
      return new ClientPattern(pattern);
    } catch (com.google.re2j.PatternSyntaxException e) {
      throw new PatternSyntaxException(e.getDescription(), expression, e.getIndex());
    } catch (StackOverflowError e) {
      throw new PatternSyntaxException("is nested too deeply", expression, -1);
    }
  }

  /** RE2 writes repetitions out before it looks at how many there are: they could fill the heap. */
  private static void boundRepetitions(String expression) {
    long writtenOut = expression.length();
    Matcher counts = COUNT.matcher(expression);
    while (counts.find()) {
      String most = counts.group(2);
      String count = most == null || most.isEmpty() ? counts.group(1) : most;
      writtenOut *= count.length() > 5 ? MOST_WRITTEN_OUT : Math.max(1, Long.parseLong(count));
      if (writtenOut > MOST_WRITTEN_OUT) {
        throw new PatternSyntaxException("repeats too often", expression, counts.start());
      }
    }
  }

  /** Whether it fits a part of a text. INVALID_ARGUMENT if the groups in it are too many. */
  public boolean finds(String text) {
    try {
      return pattern.matcher(text).find();
    } catch (StackOverflowError e) {
      // RE2 goes down a level for each group and each way that looks at no letter.
      throw new BerthException.InvalidArgument(
          "regular expression `" + pattern.pattern() + "`: has too many groups in one another", e);
    }
  }
}
