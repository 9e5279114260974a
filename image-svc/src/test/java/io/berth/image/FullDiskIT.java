package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import io.berth.image.content.Ingest;
import io.berth.image.meta.Metadata;
import io.berth.image.snapshot.Snapshots;
import io.berth.linux.Mounts;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The stores on a small file system of their own that is used up. */
@Tag("root")
final class FullDiskIT {
  private static final int PART = 64 << 10;

  @TempDir Path folder;

  private Stores stores(String options) throws Exception {
    Mounts.mount("tmpfs", folder, "tmpfs", 0, options);
    return new Stores(folder);
  }

  @AfterEach
  void unmount() throws Exception {
    Mounts.unmount(folder, 0);
  }

  @Test
  void contentThatDoesNotFit_isToldAsAFullDisk() throws Exception {
    try (Stores stores = stores("size=2m");
        Ingest ingest = stores.ingests.open(Ingest.Request.of("a", null, "large"))) {
      MemorySegment part = MemorySegment.ofArray(new byte[PART]);
      BerthException.ResourceExhausted full =
          assertThrows(
              BerthException.ResourceExhausted.class,
              () -> {
                while (ingest.offset() < 4 << 20) {
                  ingest.write(part);
                }
              });
      assertEquals("write ingest \"large\": the disk is full; free space there", full.getMessage());
    }
  }

  @Test
  void snapshotThatDoesNotFit_isToldAsAFullDisk() throws Exception {
    try (Stores stores = stores("size=4m,nr_inodes=64")) {
      useUpInodes();
      BerthException.ResourceExhausted full =
          assertThrows(
              BerthException.ResourceExhausted.class,
              () ->
                  stores.snapshots.prepare(
                      new Snapshots.Key("a", "overlayfs", "new"), "", Map.of(), null));
      assertEquals(
          "prepare snapshot \"new\": the disk is full; free space there", full.getMessage());
    }
  }

  @Test
  void ingestThatCannotBeMade_isToldAsAFullDisk() throws Exception {
    try (Stores stores = stores("size=4m,nr_inodes=64")) {
      useUpInodes();
      BerthException.ResourceExhausted full =
          assertThrows(
              BerthException.ResourceExhausted.class,
              () ->
                  stores.ingests.put(
                      Ingest.Request.of("a", null, "small"),
                      new byte[1],
                      Map.of(),
                      Metadata.Durability.LAZY));
      assertEquals("open ingest \"small\": the disk is full; free space there", full.getMessage());
    }
  }

  private void useUpInodes() throws Exception {
    Path many = Files.createDirectory(folder.resolve("many"));
    long free = Mounts.statfs(folder).freeFiles();
    for (long i = 0; i < free; i++) {
      Files.createFile(many.resolve(Long.toString(i)));
    }
  }
}
