package io.berth.e2e;

import io.berth.testing.Eventually;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * A block device with an ext4 of its own, of which every write and every flush is kept in their
 * order: {@link DiskLog} makes of them what a real disk may hold after a power cut. A file of a
 * small file system in user space (src/test/c/recording_disk.c) lies under a loop device.
 */
final class RecordingDisk implements AutoCloseable {
  private static final String SIZE = "512M";

  private final Path folder;
  private final Process server;
  private final String device;

  /** Makes the disk; all that it needs is in the folder, which is not below an instance's own. */
  RecordingDisk(Path folder) throws Exception {
    this.folder = folder;
    Path program = folder.resolve("recording-disk");
    Path source = Path.of("src/test/c/recording_disk.c");
    Command.run(
            "cc", "-std=c17", "-O2", "-D_GNU_SOURCE", "-o", program.toString(), source.toString())
        .exits(0);
    Command.run("truncate", "-s", SIZE, base().toString()).exits(0);
    Command.run(
            "mkfs.ext4",
            "-q",
            "-J",
            "size=16",
            "-E",
            "lazy_itable_init=0,lazy_journal_init=0",
            base().toString())
        .exits(0);
    Path now = folder.resolve("now");
    Command.run("cp", "--sparse=always", base().toString(), now.toString()).exits(0);
    Path served = Files.createDirectories(folder.resolve("served"));
    server =
        new ProcessBuilder(
                program.toString(),
                served.toString(),
                now.toString(),
                recording().toString(),
                gate().toString())
            .inheritIO()
            .start();
    Eventually.holds("the disk is served", () -> Files.exists(served.resolve("disk")));
    device =
        Command.run("losetup", "-f", "--show", served.resolve("disk").toString())
            .exits(0)
            .out()
            .strip();
  }

  /** The folder in which the disk is a file, {@code disk}. */
  Path served() {
    return folder.resolve("served");
  }

  /** The loop device. */
  String device() {
    return device;
  }

  private Path gate() {
    return folder.resolve("gate");
  }

  /**
   * From now on neither the disk nor the file is answered, and who waits for an answer cannot be
   * killed.
   */
  void hang() {
    try {
      Files.writeString(gate(), "");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** From now on nobody takes what the disk is asked, so whoever asks it waits until killed. */
  void freeze() {
    Command.run("kill", "-STOP", Long.toString(server.pid())).exits(0);
  }

  /** All is answered, also what was asked meanwhile. */
  void goOn() {
    Command.run("kill", "-CONT", Long.toString(server.pid()));
    try {
      Files.deleteIfExists(gate());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What the disk held before its first write. */
  Path base() {
    return folder.resolve("base");
  }

  /** The writes and flushes. */
  Path recording() {
    return folder.resolve("log");
  }

  /** Mounts the file system; its journal is committed every so many seconds. */
  void mount(Path where, int commit) {
    Command.run("mount", "-o", "commit=" + commit, device, where.toString()).exits(0);
  }

  /**
   * How long the recording is. All that the disk had answered when this was called lies before, so
   * what a client was told before is to be kept by every cut from here on.
   */
  long position() {
    try {
      return Files.size(recording());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Afterwards there is no device; whoever still has the file system mounted reads errors. */
  @Override
  public void close() {
    goOn();
    Command.run("losetup", "-d", device);
    Command.run("umount", "--lazy", folder.resolve("served").toString());
    try {
      if (!server.waitFor(5, TimeUnit.SECONDS)) {
        server.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
