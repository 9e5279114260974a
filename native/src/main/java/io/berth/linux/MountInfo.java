package io.berth.linux;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A line of /proc/self/mountinfo.
 *
 * @param id the number of the mount
 * @param parent the number of the mount that it stands on
 * @param root the directory of the file system that is its root
 * @param target where it is mounted, as this process sees it
 * @param options the options of the mount alone: {@code rw}, {@code nosuid}, ...
 * @param propagation the optional fields of proc_pid_mountinfo(5), {@code shared:3}, {@code
 *     master:1}, {@code propagate_from:2} or {@code unbindable}; empty if the mount is private
 * @param type the type of the file system
 * @param superOptions the options of the file system, which all its mounts share
 */
public record MountInfo(
    int id,
    int parent,
    FileStatus.Device device,
    String root,
    String target,
    List<String> options,
    List<String> propagation,
    String type,
    String source,
    List<String> superOptions) {
  private static final int MAX_BYTES = 64 << 20;

  public MountInfo {
    options = List.copyOf(options);
    propagation = List.copyOf(propagation);
    superOptions = List.copyOf(superOptions);
  }

  /**
   * Every mount of this process's namespace, in the kernel's order. Costs some 10 µs for each: not
   * for hot paths.
   */
  public static List<MountInfo> ofSelf() throws SyscallException {
    return read(Path.of("/proc/self/mountinfo"));
  }

  /** Every mount in a file like /proc/PID/mountinfo. */
  public static List<MountInfo> read(Path file) throws SyscallException {
    byte[] content;
    try (Fd fd = Fd.open(file, OpenFlags.O_RDONLY)) {
      content = fd.readAll(MAX_BYTES);
    }
    List<MountInfo> mounts = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < content.length; i++) {
      if (content[i] == '\n') {
        parse(FileNames.decode(content, from, i)).ifPresent(mounts::add);
        from = i + 1;
      }
    }
    return mounts;
  }

  /** Reads one line; empty if it has not the fields of proc_pid_mountinfo(5). */
  static Optional<MountInfo> parse(String line) {
    String[] fields = line.split(" ", -1);
    int dash = 6;
    while (dash < fields.length && !fields[dash].equals("-")) {
      dash++;
    }
    if (dash + 3 >= fields.length) {
      return Optional.empty();
    }
    String[] device = fields[2].split(":", 2);
    try {
      return Optional.of(
          new MountInfo(
              Integer.parseInt(fields[0]),
              Integer.parseInt(fields[1]),
              new FileStatus.Device(Integer.parseInt(device[0]), Integer.parseInt(device[1])),
              unescape(fields[3]),
              unescape(fields[4]),
              List.of(fields[5].split(",", -1)),
              List.of(fields).subList(6, dash),
              unescape(fields[dash + 1]),
              unescape(fields[dash + 2]),
              List.of(unescape(fields[dash + 3]).split(",", -1))));
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException malformed) {
      return Optional.empty();
    }
  }

  /** Blank, tab, newline and backslash stand as three octal digits. */
  private static String unescape(String field) {
    if (field.indexOf('\\') < 0) {
      return field;
    }
    StringBuilder text = new StringBuilder(field.length());
    for (int i = 0; i < field.length(); i++) {
      char c = field.charAt(i);
      if (c == '\\' && i + 3 < field.length() && octal(field, i + 1)) {
        text.append((char) Integer.parseInt(field.substring(i + 1, i + 4), 8));
        i += 3;
      } else {
        text.append(c);
      }
    }
    return text.toString();
  }

  private static boolean octal(String field, int at) {
    for (int i = at; i < at + 3; i++) {
      if (field.charAt(i) < '0' || field.charAt(i) > '7') {
        return false;
      }
    }
    return true;
  }
}
