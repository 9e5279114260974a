package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.berth.base.json.Json;
import java.io.IOException;
import java.io.InputStream;
import org.junit.jupiter.api.Test;

final class ProgressTest {
  @Test
  void whatAnOlderBuildStored_isReadAndWrittenTheSame() throws IOException {
    try (InputStream in =
        ProgressTest.class.getResourceAsStream("/stored/named-container.progress")) {
      assertNotNull(in);
      byte[] stored = in.readAllBytes();
      Progress read = Json.read(stored, Progress.class, "progress of a container");
      assertEquals(Progress.NEW, read);
      assertArrayEquals(stored, Json.bytes(read));
    }
  }
}
