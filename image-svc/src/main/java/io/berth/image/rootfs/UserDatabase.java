package io.berth.image.rootfs;

import io.berth.base.error.BerthException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The passwd(5) and group(5) of a root file system, read by docker's rules: {@code user[:group]},
 * each a name or a number; a number need not be listed, a name must be. Lines that make no sense
 * are passed over. Pure.
 */
final class UserDatabase {
  /** More of either file is not read. */
  static final int MAX_BYTES = 4 << 20;

  private record User(String name, int uid, int gid, String home) {}

  private record Group(String name, int gid, List<String> members) {}

  private final List<User> users = new ArrayList<>();
  private final List<Group> groups = new ArrayList<>();

  /** Of the files' content; empty where there is none. */
  UserDatabase(byte[] passwd, byte[] group) {
    for (String[] fields : lines(passwd)) {
      Integer uid = fields.length > 2 ? number(fields[2]) : null;
      Integer gid = fields.length > 3 ? number(fields[3]) : null;
      if (uid != null && gid != null) {
        users.add(new User(fields[0], uid, gid, fields.length > 5 ? fields[5] : ""));
      }
    }
    for (String[] fields : lines(group)) {
      Integer gid = fields.length > 2 ? number(fields[2]) : null;
      if (gid != null) {
        groups.add(
            new Group(
                fields[0],
                gid,
                fields.length > 3 ? Arrays.asList(fields[3].split(",")) : List.of()));
      }
    }
  }

  private static List<String[]> lines(byte[] file) {
    return new String(file, StandardCharsets.UTF_8)
        .lines()
        .map(String::strip)
        .filter(line -> !line.isEmpty() && !line.startsWith("#"))
        .map(line -> line.split(":", -1))
        .toList();
  }

  /**
   * Looks a specification up; empty means root.
   *
   * @param more groups by name or number
   */
  ContainerUser find(String specification, List<String> more) {
    int colon = specification.indexOf(':');
    String userText = colon < 0 ? specification : specification.substring(0, colon);
    String groupText = colon < 0 ? "" : specification.substring(colon + 1);
    User user = user(userText.isEmpty() ? "0" : userText);
    Set<Integer> supplementary = new LinkedHashSet<>();
    int gid = user.gid;
    if (groupText.isEmpty()) {
      for (Group group : groups) {
        if (!user.name.isEmpty() && group.members.contains(user.name)) {
          supplementary.add(group.gid);
        }
      }
    } else {
      gid = group(groupText);
    }
    for (String extra : more) {
      supplementary.add(group(extra));
    }
    return new ContainerUser(
        user.uid, gid, List.copyOf(supplementary), user.home.isEmpty() ? "/" : user.home);
  }

  private User user(String text) {
    Integer uid = number(text);
    for (User user : users) {
      if (user.name.equals(text) || (uid != null && user.uid == uid)) {
        return user;
      }
    }
    if (uid == null) {
      throw new BerthException.InvalidArgument(
          "unable to find user " + shown(text) + ": no matching entries in passwd file");
    }
    return new User("", uid, 0, uid == 0 ? "/root" : "/");
  }

  private int group(String text) {
    Integer gid = number(text);
    for (Group group : groups) {
      if (group.name.equals(text) || (gid != null && group.gid == gid)) {
        return group.gid;
      }
    }
    if (gid == null) {
      throw new BerthException.InvalidArgument(
          "unable to find group " + shown(text) + ": no matching entries in group file");
    }
    return gid;
  }

  private static String shown(String text) {
    return (text.length() <= 64 ? text : text.substring(0, 64) + "...").replace('\n', ' ');
  }

  private static @Nullable Integer number(String text) {
    if (text.isEmpty() || text.length() > 10 || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return null;
    }
    long value = Long.parseLong(text);
    // The kernel's "no id".
    return value < 0xffffffffL ? (int) value : null;
  }
}
