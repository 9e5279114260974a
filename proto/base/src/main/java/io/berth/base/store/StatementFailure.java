package io.berth.base.store;

import io.berth.base.error.BerthException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** Tells a caller what a failure of SQLite means for them, by its result code. */
final class StatementFailure {
  private StatementFailure() {}

  /**
   * The failure of a statement. Where the disk takes no writes, somebody has to do something about
   * it before the same call succeeds.
   */
  static BerthException of(Path file, SQLException failure) {
    // The lowest byte is the primary result code (sqlite.org/rescode.html).
    return switch (failure.getErrorCode() & 0xff) {
      case 13 ->
          new BerthException.ResourceExhausted(
              "write `" + file + "`: the disk is full; free space there", failure);
      case 8, 10, 14 -> notWritable(file, failure);
      case 11, 26 ->
          new BerthException.DataLoss(
              "read `" + file + "`: " + failure.getMessage() + "; restore it from a backup",
              failure);
      default ->
          new BerthException.Internal("database `" + file + "`: " + failure.getMessage(), failure);
    };
  }

  private static BerthException notWritable(Path file, SQLException failure) {
    String why = kernelsWord(file);
    return new BerthException.FailedPrecondition(
        "write `"
            + file
            + "`: "
            + (why == null ? failure.getMessage() : why)
            + "; repair its file system and mount it writable",
        failure);
  }

  /**
   * SQLite keeps the kernel's answer to itself, so the kernel is asked once more, by a change that
   * changes nothing. Null if that is allowed.
   */
  private static @Nullable String kernelsWord(Path file) {
    try {
      Files.setLastModifiedTime(file, Files.getLastModifiedTime(file));
      return null;
    } catch (FileSystemException e) {
      return e.getReason();
    } catch (IOException e) {
      return e.getMessage();
    }
  }
}
