package io.berth.base.text;

import io.berth.base.error.BerthException;

/** The one refusal of this package. */
final class Refusal {
  /** The most of a refused word that is told again. */
  private static final int SHOWN = 200;

  private Refusal() {}

  /**
   * Why a word is refused.
   *
   * @param what the option or field that it was typed for
   */
  static BerthException of(String what, String word, String why) {
    String shown = word.length() <= SHOWN ? word : word.substring(0, SHOWN) + "...";
    String line = what + " `" + shown + "`: " + why;
    return new BerthException.InvalidArgument(line.replaceAll("\\p{Cntrl}", "?"));
  }
}
