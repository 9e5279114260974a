package io.berth.containerd.task;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Which boot of the machine this is (random(4), /proc/sys/kernel/random/boot_id). */
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

  /** 36 characters. */
  public String text() {
    return text;
  }
}
