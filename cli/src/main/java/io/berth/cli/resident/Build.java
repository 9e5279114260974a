package io.berth.cli.resident;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.concurrent.TimeUnit;

/**
 * Which build a program is of, told by the file of the thin client that belongs to it.
 *
 * @param time when the file was made, in nanoseconds: of two builds the later is the newer one
 */
record Build(long inode, long size, long time) {
  /** The build whose thin client is this file. */
  static Build of(Path client) throws IOException {
    return new Build(
        (Long) Files.getAttribute(client, "unix:ino"),
        Files.size(client),
        ((FileTime) Files.getAttribute(client, "unix:lastModifiedTime")).to(TimeUnit.NANOSECONDS));
  }

  boolean isNewerThan(Build other) {
    return time > other.time;
  }
}
