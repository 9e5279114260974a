package io.berth.cli.parse;

import io.berth.base.error.BerthException;
import java.util.Arrays;
import java.util.Locale;

/** Keys that let an attached client go while the container runs on. Row MB-30. */
public final class DetachKeys {
  /** As docker has them. */
  public static final String USUAL = "ctrl-p,ctrl-q";

  private static final String CONTROL = "ctrl-";

  /** What a control key of these gives, from 0 on. */
  private static final String CONTROLS = "@abcdefghijklmnopqrstuvwxyz[\\]^_";

  /** As many as a supervisor takes. */
  private static final int MOST = 16;

  private final byte[] keys;

  private DetachKeys(byte[] keys) {
    this.keys = keys;
  }

  /**
   * {@code ctrl-p,ctrl-q}, {@code ctrl-a,d}: keys of ASCII, commas between them; empty: the usual.
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

  /** What a terminal sends for them. */
  public byte[] bytes() {
    return Arrays.copyOf(keys, keys.length);
  }
}
