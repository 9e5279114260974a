package io.berth.containerd.task;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The name that the kernel gives to this boot of the machine: /proc/sys/kernel/random/boot_id, see
 * random(4). Immutable.
 */
@Singleton
public final class BootId {
  private static final Path FILE = Path.of("/proc/sys/kernel/random/boot_id");

  private final String text;

  @Inject
  BootId() {
    try {
      text = Files.readString(FILE).strip();
    } catch (IOException e) {
      throw new UncheckedIOException("read " + FILE, e);
    }
  }

  /** A random UUID in its usual 36 characters. */
  public String text() {
    return text;
  }
}
