package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import java.util.ArrayDeque;
import java.util.Deque;

/** Checks single words of a request. */
final class Texts {
  /** The most characters of a host name (gethostname(2), HOST_NAME_MAX). */
  private static final int LONGEST_HOST_NAME = 64;

  private Texts() {}

  /**
   * Returns its argument. INVALID_ARGUMENT for a text with a NUL character, at which the kernel
   * would end it.
   */
  static String withoutNul(String what, String text) {
    if (text.indexOf('\0') >= 0) {
      throw new BerthException.InvalidArgument(
          what + " `" + text.replace('\0', '?') + "`: contains a NUL character");
    }
    return text;
  }

  /**
   * An absolute path without {@code .}, {@code ..} and doubled slashes. Only its words are looked
   * at, because the kernel resolves it once more inside the root file system.
   */
  static String absolute(String what, String path) {
    withoutNul(what, path);
    if (!path.startsWith("/")) {
      throw new BerthException.InvalidArgument(
          what + " `" + path + "`: must be an absolute path; begin it with /");
    }
    Deque<String> words = new ArrayDeque<>();
    for (String word : path.split("/", -1)) {
      switch (word) {
        case "", "." -> {
          // These words lead nowhere.
        }
        case ".." -> words.pollLast();
        default -> words.addLast(word);
      }
    }
    return "/" + String.join("/", words);
  }

  /** Returns its argument: at most 64 printable ASCII characters, without blanks and slashes. */
  static String hostName(String what, String name) {
    if (name.length() > LONGEST_HOST_NAME) {
      throw new BerthException.InvalidArgument(
          what + " `" + name + "`: longer than " + LONGEST_HOST_NAME + " characters");
    }
    if (!name.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '/')) {
      throw new BerthException.InvalidArgument(
          what
              + " `"
              + name.replaceAll("\\p{Cntrl}", "?")
              + "`: contains other than letters, digits, dots and hyphens");
    }
    return name;
  }
}
