package io.berth.linux.supervisor;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a process of a container ended: told by the supervisor, and before that written to {@code
 * TASK/exit/init} or {@code TASK/exit/exec.ID}.
 *
 * @param id exec id, empty for the init
 * @param code exit code, or the signal's number
 * @param oomKills by how much the cgroup's counter grew over the process's life
 */
public record ExitRecord(
    String id, int pid, How how, int code, boolean dumpedCore, int oomKills, Instant exitedAt) {
  private static final int MAX_BYTES = 4096;

  /** The ways to end. */
  public enum How {
    EXITED,
    SIGNALLED,
    /** Nobody could tell: the supervisor itself had died. */
    UNKNOWN
  }

  /**
   * The number that shells show: the code, or 128 + the signal's number, or 255 where nobody knows.
   */
  public int shellCode() {
    return switch (how) {
      case EXITED -> code;
      case SIGNALLED -> 128 + code;
      case UNKNOWN -> 255;
    };
  }

  /** The file of a process in a task's folder. */
  public static Path fileOf(Path taskFolder, String id) {
    return taskFolder.resolve("exit").resolve(id.isEmpty() ? "init" : "exec." + id);
  }

  /** Reads the record of a process; null if there is none. */
  public static @Nullable ExitRecord read(Path taskFolder, String id) throws IOException {
    Path file = fileOf(taskFolder, id);
    try (Fd fd = Fd.open(file, OpenFlags.O_RDONLY | OpenFlags.O_NOFOLLOW)) {
      return parse(new String(fd.readAll(MAX_BYTES), StandardCharsets.UTF_8), file);
    } catch (SyscallException e) {
      if (e.errno() == Errno.ENOENT) {
        return null;
      }
      throw e;
    }
  }

  static ExitRecord parse(String text, Path source) throws IOException {
    Map<String, String> fields = new HashMap<>();
    for (String line : text.split("\n", -1)) {
      int equals = line.indexOf('=');
      if (equals > 0) {
        fields.put(line.substring(0, equals), line.substring(equals + 1));
      }
    }
    try {
      return new ExitRecord(
          field(fields, "id"),
          Integer.parseInt(field(fields, "pid")),
          switch (field(fields, "how")) {
            case "exited" -> How.EXITED;
            case "signalled" -> How.SIGNALLED;
            default -> How.UNKNOWN;
          },
          Integer.parseInt(field(fields, "code")),
          field(fields, "core").equals("1"),
          Integer.parseInt(field(fields, "oom_kills")),
          instant(Long.parseLong(field(fields, "exited_at"))));
    } catch (NumberFormatException e) {
      throw new IOException("exit record `" + source + "`: no number where one belongs", e);
    }
  }

  private static String field(Map<String, String> fields, String key) throws IOException {
    String value = fields.get(key);
    if (value == null) {
      throw new IOException("exit record: no `" + key + "`");
    }
    return value;
  }

  static ExitRecord ofNotice(WireReader in) throws IOException {
    int pid = in.u32();
    How how = how(in.u16());
    boolean core = in.u16() != 0;
    int code = in.u32();
    int oomKills = in.u32();
    Instant at = instant(in.u64());
    return new ExitRecord(in.text(), pid, how, code, core, oomKills, at);
  }

  static How how(int number) {
    return switch (number) {
      case Protocol.EXIT_EXITED -> How.EXITED;
      case Protocol.EXIT_SIGNALLED -> How.SIGNALLED;
      default -> How.UNKNOWN;
    };
  }

  static Instant instant(long nanos) {
    return Instant.ofEpochSecond(nanos / 1_000_000_000L, nanos % 1_000_000_000L);
  }
}
