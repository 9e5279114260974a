package io.berth.image.rootfs;

import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.base.id.AccountFiles;
import io.berth.base.id.UnixId;
import io.berth.image.tree.MergedTree;
import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The passwd(5) and group(5) of a root file system, read by docker's rules: {@code user[:group]},
 * each a name or a number; a number need not be listed, a name must be, and what is written as a
 * number is never a name.
 */
final class UserDatabase {
  /** The most groups that setgroups(2) takes. */
  private static final int MAX_GROUPS = 65_536;

  private static final String PASSWD = "etc/passwd";
  private static final String GROUP = "etc/group";

  private final byte[] passwd;
  private final byte[] group;

  /** Reads the content of both files; an empty array stands for a file that is not there. */
  UserDatabase(byte[] passwd, byte[] group) {
    this.passwd = passwd;
    this.group = group;
  }

  /** Reads both files of a root file system. */
  static UserDatabase of(MergedTree root) {
    return new UserDatabase(content(root, PASSWD), content(root, GROUP));
  }

  private static byte[] content(MergedTree root, String path) {
    try {
      byte[] content = root.read(path, AccountFiles.MAX_BYTES);
      return content == null ? new byte[0] : content;
    } catch (SyscallException e) {
      throw new BerthException.FailedPrecondition(
          "look up a user: /"
              + path
              + (e.is(Errno.EFBIG)
                  ? " is larger than " + AccountFiles.MAX_BYTES + " bytes"
                  : " cannot be read: " + e.errno().text()),
          e);
    }
  }

  /**
   * Looks up a user specification; an empty one means root.
   *
   * @param more groups by name or number
   */
  ContainerUser find(String specification, List<String> more) {
    int colon = specification.indexOf(':');
    String userText = colon < 0 ? specification : specification.substring(0, colon);
    String groupText = colon < 0 ? "" : specification.substring(colon + 1);
    AccountFiles.User user = user(userText.isEmpty() ? "0" : userText);
    Groups groups = groups(groupText.isEmpty() ? user.name() : "", groupText, more);
    int gid = groupText.isEmpty() ? UnixId.checked("group", user.gid()) : groups.id(groupText);
    Set<Integer> all = new LinkedHashSet<>();
    groups.ofUser.forEach(id -> all.add(UnixId.checked("group", id)));
    more.forEach(extra -> all.add(groups.id(extra)));
    ContainerUser found =
        new ContainerUser(
            UnixId.checked("user", user.uid()),
            gid,
            List.copyOf(all),
            user.home().isEmpty() ? "/" : user.home());
    if (found.groups().size() > MAX_GROUPS) {
      throw new BerthException.InvalidArgument(
          "user " + shown(userText) + ": in more than " + MAX_GROUPS + " groups");
    }
    return found;
  }

  private static LaunchFailure unknown(String text) {
    return new LaunchFailure(LaunchFailure.Kind.USER_REFUSED, text, Errno.UNKNOWN);
  }

  private AccountFiles.User user(String text) {
    if (!UnixId.isNumber(text)) {
      AccountFiles.User named = AccountFiles.user(passwd, user -> user.name().equals(text));
      if (named == null) {
        throw new BerthException.InvalidArgument(
                "unable to find user " + shown(text) + ": no matching entries in passwd file")
            .with(unknown(text));
      }
      return named;
    }
    int uid = UnixId.parse("user", text);
    AccountFiles.User listed = AccountFiles.user(passwd, user -> user.uid() == uid);
    return listed != null ? listed : new AccountFiles.User("", uid, 0, uid == 0 ? "/root" : "/");
  }

  /**
   * What one pass over the group file has found.
   *
   * @param ofUser those that list the user
   */
  private record Groups(Map<String, Long> byName, List<Long> ofUser) {
    int id(String text) {
      if (UnixId.isNumber(text)) {
        return UnixId.parse("group", text);
      }
      Long found = byName.get(text);
      if (found == null) {
        throw new BerthException.InvalidArgument(
                "unable to find group " + shown(text) + ": no matching entries in group file")
            .with(unknown(text));
      }
      return UnixId.checked("group", found);
    }
  }

  /**
   * Looks up names of groups in one pass over the group file.
   *
   * @param member whose groups are wanted; empty for nobody's
   */
  private Groups groups(String member, String one, List<String> more) {
    Set<String> names = new HashSet<>(more);
    names.add(one);
    Groups groups = new Groups(new HashMap<>(), new ArrayList<>());
    AccountFiles.groups(
        group,
        each -> {
          if (names.contains(each.name())) {
            groups.byName.merge(each.name(), each.gid(), (first, _) -> first);
          }
          if (!member.isEmpty() && each.lists(member)) {
            groups.ofUser.add(each.gid());
          }
        });
    return groups;
  }

  private static String shown(String text) {
    return (text.length() <= 64 ? text : text.substring(0, 64) + "...")
        .replaceAll("\\p{Cntrl}", " ");
  }
}
