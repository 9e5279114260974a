package io.berth.base.io;

import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
import io.berth.linux.OpenFlags;
import io.berth.linux.Processes;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A folder that only the engine may open to others. What lies in it decides who becomes root: any
 * user who reaches a container's set-uid file on the host runs it as root. So its owner and mode
 * are looked at whenever a service starts, not only when the folder is made.
 */
public final class OwnFolder {
  /** The mode of a folder that nobody else may enter. */
  public static final String OWNER_ONLY = "rwx------";

  /** The mode of a folder through which the engine's group may pass. */
  public static final String PASSED_BY_GROUP = "rwx--x---";

  private static final int PERMISSIONS = 0777;

  /** What a file system brings by itself. */
  private static final String NO_ONES = "lost+found";

  private OwnFolder() {}

  /**
   * Makes the folder with this mode, or narrows the one that is there to it; a narrower one stays.
   * A group other than root's gets no more than everybody else.
   *
   * @param widest as in {@code rwx--x---}
   * @throws BerthException.FailedPrecondition when it is no folder, or somebody else's, with the
   *     command that helps
   */
  public static void prepare(Path folder, String widest) throws IOException {
    prepare(folder, widest, /* signs= */ null);
  }

  /**
   * The same for a folder that a configuration names. If it is wider and holds files but none of
   * the engine's, it is refused instead: it may be one that others live in, as /var/lib.
   *
   * @param signs names below it of which the engine makes at least one
   */
  public static void prepareNamed(Path folder, String widest, Set<String> signs)
      throws IOException {
    prepare(folder, widest, signs);
  }

  private static void prepare(Path folder, String widest, @Nullable Set<String> signs)
      throws IOException {
    int allowed = bits(widest);
    boolean made = make(folder);
    FileStatus name = FileStatus.ofLink(folder);
    boolean link = name.type() == OpenFlags.S_IFLNK;
    if (link) {
      mustBeOurs(folder, name, "is a symbolic link", "chown -h");
    }
    try (Fd fd =
        Fd.open(
            folder,
            OpenFlags.O_RDONLY
                | OpenFlags.O_DIRECTORY
                | OpenFlags.O_NONBLOCK
                | (link ? 0 : OpenFlags.O_NOFOLLOW))) {
      FileStatus status = fd.status();
      mustBeOurs(folder, status, "is a folder", "chown");
      int mode = status.mode() & PERMISSIONS;
      int right = status.gid() == 0 ? allowed : (allowed & ~070) | ((allowed & 007) << 3);
      int narrowed = made ? right : mode & right;
      if (narrowed == mode) {
        return;
      }
      // Another service that starts at the same moment narrows it before it puts anything there.
      if (signs != null && !isEngines(folder, signs) && wider(fd, right)) {
        throw new BerthException.FailedPrecondition(
            "folder `%s`: is open to other users (mode %04o) and holds files that are not Berth's; use a folder of its own, or, if nobody else needs this one: chmod %04o %s"
                .formatted(folder, mode, right, folder));
      }
      fd.changeMode(narrowed);
    } catch (SyscallException e) {
      if (e.is(Errno.ENOTDIR) || e.is(Errno.ELOOP)) {
        throw new BerthException.FailedPrecondition(
            "folder `" + folder + "`: is not a folder; move it away, or use another one", e);
      }
      throw e;
    }
  }

  /** Nobody else gets in before its mode is set. */
  private static boolean make(Path folder) throws IOException {
    Path parent = folder.toAbsolutePath().getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    try {
      Files.createDirectory(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(OWNER_ONLY)));
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    }
  }

  private static void mustBeOurs(Path folder, FileStatus status, String what, String command) {
    int we = Processes.effectiveUser();
    if (status.uid() != we) {
      throw new BerthException.FailedPrecondition(
          "folder `%s`: %s of user %d, who could put programs there that run as user %d; use another one, or: %s %d %s"
              .formatted(folder, what, status.uid(), we, command, we, folder));
    }
  }

  private static boolean isEngines(Path folder, Set<String> signs) throws IOException {
    for (String sign : signs) {
      if (Files.exists(folder.resolve(sign))) {
        return true;
      }
    }
    try (Stream<Path> held = Files.list(folder)) {
      return held.allMatch(each -> each.endsWith(NO_ONES));
    }
  }

  private static boolean wider(Fd fd, int right) throws SyscallException {
    return (fd.status().mode() & PERMISSIONS & ~right) != 0;
  }

  private static int bits(String mode) {
    int bits = 0;
    for (int i = 0; i < mode.length(); i++) {
      bits = (bits << 1) | (mode.charAt(i) == '-' ? 0 : 1);
    }
    return bits;
  }
}
