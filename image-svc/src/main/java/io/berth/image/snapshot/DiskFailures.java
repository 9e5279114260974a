package io.berth.image.snapshot;

import io.berth.base.error.BerthException;
import java.io.IOException;

/** What failures of the disk mean to a caller. */
final class DiskFailures {
  private DiskFailures() {}

  static BerthException of(String what, IOException e) {
    String message = String.valueOf(e.getMessage());
    boolean full = message.contains("ENOSPC") || message.contains("No space left");
    return full
        ? new BerthException.ResourceExhausted(what + ": the disk is full; free space there", e)
        : new BerthException.Internal(what + ": " + message, e);
  }
}
