package io.berth.containerd.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.containerd.client.ImageCalls.Sizes;
import io.berth.containerd.settings.RootFilesystem;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class RootSizesTest {
  private static final Map<String, RootSizes.Layer> LAYERS =
      Map.of(
          "base", new RootSizes.Layer(100, ""),
          "top", new RootSizes.Layer(20, "base"),
          "c1", new RootSizes.Layer(1, "top"),
          "c2", new RootSizes.Layer(2, "top"),
          "c3", new RootSizes.Layer(3, ""));

  @Test
  void whatSeveralStandOnIsAskedForOnce() {
    List<String> asked = new ArrayList<>();
    RootSizes sizes =
        new RootSizes((namespace, snapshotter, key) -> {
          asked.add(namespace + "/" + snapshotter + "/" + key);
          return LAYERS.get(key);
        });
    assertEquals(new Sizes(1, 121), sizes.of("n", new RootFilesystem("o", "c1", "")));
    assertEquals(new Sizes(2, 122), sizes.of("n", new RootFilesystem("o", "c2", "")));
    assertEquals(new Sizes(3, 3), sizes.of("n", new RootFilesystem("o", "c3", "")));
    assertEquals(List.of("n/o/c1", "n/o/top", "n/o/base", "n/o/c2", "n/o/c3"), asked);
    assertEquals(new Sizes(1, 121), sizes.of("other", new RootFilesystem("o", "c1", "")));
    assertEquals(8, asked.size());
  }
}
