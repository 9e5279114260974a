package io.berth.cli.parse;

import io.berth.base.error.BerthException;
import java.util.Arrays;
import java.util.Locale;

/** The keys that take an attached client away while the container runs on. */
public final class DetachKeys {
  /** The default, which is docker's. */
  public static final String USUAL = "ctrl-p,ctrl-q";

  private static final String CONTROL = "ctrl-";

  /**
   * The character that is typed together with the control key, at the index of the code that this
   * gives (ASCII 0 to 31).
   */
  private static final String CONTROLS = "@abcdefghijklmnopqrstuvwxyz[\\]^_";

  /** The most keys that a supervisor takes. */
  private static final int MOST = 16;

  private final byte[] keys;

  private DetachKeys(byte[] keys) {
    this.keys = keys;
  }

  /**
   * Reads keys of ASCII with commas between them, such as {@code ctrl-p,ctrl-q} or {@code
   * ctrl-a,d}; an empty text stands for {@link #USUAL}. INVALID_ARGUMENT for anything else.
   */
  public static DetachKeys of(String text) {
    String[] words = (text.isEmpty() ? USUAL : text).split(",", -1);
    if (words.length > MOST) {
      throw new BerthException.InvalidArgument(
          "--detach-keys `" + text + "`: more than " + MOST + " keys");
    }
    byte[] keys = new byte[words.length];
    for (int i = 0; i < words.length; i++) {
      keys[i] = key(text, words[i]);
    }
    return new DetachKeys(keys);
  }

  private static byte key(String text, String word) {
    String name = word.toLowerCase(Locale.ROOT);
    if (name.length() == CONTROL.length() + 1 && name.startsWith(CONTROL)) {
      int control = CONTROLS.indexOf(name.charAt(CONTROL.length()));
      if (control >= 0) {
        return (byte) control;
      }
    }
    if (word.length() != 1 || word.charAt(0) <= ' ' || word.charAt(0) > '~') {
      throw new BerthException.InvalidArgument(
          "--detach-keys `" + text + "`: `" + word + "` is no key; write a letter or ctrl-LETTER");
    }
    return (byte) word.charAt(0);
  }

  /** The bytes that a terminal sends for the keys. */
  public byte[] bytes() {
    return Arrays.copyOf(keys, keys.length);
  }
}
