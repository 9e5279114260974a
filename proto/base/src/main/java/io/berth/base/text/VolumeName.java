package io.berth.base.text;

import java.util.regex.Pattern;

/**
 * A volume's name by docker's rule, which allows what an {@link io.berth.base.id.Identifier} may
 * not be: {@code my__vol}, {@code vol_}. Safe as a file name.
 */
public final class VolumeName {
  private static final Pattern FORM = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}");

  private VolumeName() {}

  /** Whether a word is such a name. */
  public static boolean isOne(String word) {
    return FORM.matcher(word).matches();
  }

  /** Refuses with INVALID_ARGUMENT what is none. Returns its argument. */
  public static String check(String word) {
    if (!isOne(word)) {
      throw Refusal.of(
          "volume",
          word,
          "a name begins with a letter or digit, has letters, digits, `_`, `.` and `-` only,"
              + " and is no longer than 255");
    }
    return word;
  }
}
