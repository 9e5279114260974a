package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import java.util.ArrayDeque;
import java.util.Deque;

/** Rules for single words of a request. */
final class Texts {
  /** Of a host name (gethostname(2)). */
  private static final int LONGEST_HOST_NAME = 64;

  private Texts() {}

  /** Returns its argument; the kernel's strings end at a NUL, so one inside would cut it. */
  static String withoutNul(String what, String text) {
    if (text.indexOf('\0') >= 0) {
      throw new BerthException.InvalidArgument(
          what + " `" + text.replace('\0', '?') + "`: contains a NUL character");
    }
    return text;
  }

  /**
   * An absolute path without {@code .}, {@code ..} and doubled slashes, by its words alone: inside
   * a root file system the kernel resolves it once more, bound to that root.
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
          // No step.
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
