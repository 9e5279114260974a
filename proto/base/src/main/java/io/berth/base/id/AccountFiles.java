package io.berth.base.id;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Readers of passwd(5) and group(5), as a root file system has them.
 *
 * <p>The files are strangers' work. A line that makes no sense is passed over, be it that the name
 * or a number is missing, that a number is negative or longer than any id, that a NUL stands in it,
 * or that its home is longer than a path can be. One line at a time is taken apart, so that no
 * content costs much more memory than its own bytes. Of lines that say the same the first one
 * counts.
 */
public final class AccountFiles {
  /** More of either file need not be read. */
  public static final int MAX_BYTES = 4 << 20;

  private static final int MAX_DIGITS = 10;
  private static final int MAX_PATH = 4095;
  private static final long NONE = -1;

  private AccountFiles() {}

  /**
   * A line of passwd(5).
   *
   * @param uid of at most ten digits, not yet checked to be in range; so is the group's
   * @param home as it stands there, perhaps empty
   */
  public record User(String name, long uid, long gid, String home) {}

  /**
   * A line of group(5).
   *
   * @param members names with commas between them
   */
  public record Group(String name, long gid, String members) {
    /** Whether a user is listed; those whose own group this is usually are not. */
    public boolean lists(String user) {
      int from = 0;
      while (from <= members.length()) {
        int comma = members.indexOf(',', from);
        int end = comma < 0 ? members.length() : comma;
        if (end - from == user.length() && members.startsWith(user, from)) {
          return true;
        }
        from = end + 1;
      }
      return false;
    }
  }

  /** The first user who fits. */
  public static @Nullable User user(byte[] passwd, Predicate<User> wanted) {
    for (int at = 0; at < passwd.length; at = endOfLine(passwd, at) + 1) {
      String[] fields = fields(passwd, at);
      long uid = number(fields, 2);
      long gid = number(fields, 3);
      String home = fields.length > 5 ? fields[5] : "";
      if (uid != NONE && gid != NONE && home.length() <= MAX_PATH) {
        User user = new User(fields[0], uid, gid, home);
        if (wanted.test(user)) {
          return user;
        }
      }
    }
    return null;
  }

  /** All groups, in their order. */
  public static void groups(byte[] group, Consumer<Group> each) {
    for (int at = 0; at < group.length; at = endOfLine(group, at) + 1) {
      String[] fields = fields(group, at);
      long gid = number(fields, 2);
      if (gid != NONE) {
        each.accept(new Group(fields[0], gid, fields.length > 3 ? fields[3] : ""));
      }
    }
  }

  private static int endOfLine(byte[] file, int from) {
    int end = from;
    while (end < file.length && file[end] != '\n') {
      end++;
    }
    return end;
  }

  /** A line's fields, as many as are looked at; none if it is to be passed over. */
  private static String[] fields(byte[] file, int from) {
    String line = new String(file, from, endOfLine(file, from) - from, UTF_8).strip();
    boolean senseless = line.startsWith("#") || line.startsWith(":") || line.indexOf('\0') >= 0;
    return senseless ? new String[0] : line.split(":", 8);
  }

  private static long number(String[] fields, int index) {
    if (index >= fields.length) {
      return NONE;
    }
    String text = fields[index];
    return !text.isEmpty()
            && text.length() <= MAX_DIGITS
            && text.chars().allMatch(digit -> digit >= '0' && digit <= '9')
        ? Long.parseLong(text)
        : NONE;
  }
}
