package io.berth.image.library;

import io.berth.oci.image.Descriptor;
import io.berth.oci.image.Index;
import io.berth.oci.image.Manifest;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;

/** Labels by which the collector sees what content refers to, in containerd's spelling. */
public final class ReferenceLabels {
  private static final String CONTENT = "containerd.io/gc.ref.content.";

  private ReferenceLabels() {}

  /** The labels of a manifest. */
  public static Map<String, String> of(Manifest manifest) {
    Map<String, String> labels = new LinkedHashMap<>();
    labels.put(CONTENT + "config", manifest.config().digest());
    for (int i = 0; i < manifest.layers().size(); i++) {
      labels.put(CONTENT + "l." + i, manifest.layers().get(i).digest());
    }
    return labels;
  }

  /**
   * The labels of an index, for those of its manifests that are here. Each has the number of its
   * place, so that one that comes later takes no label of another one's.
   */
  public static Map<String, String> of(Index index, Predicate<Descriptor> here) {
    Map<String, String> labels = new LinkedHashMap<>();
    for (int i = 0; i < index.manifests().size(); i++) {
      Descriptor manifest = index.manifests().get(i);
      if (here.test(manifest)) {
        labels.put(CONTENT + "m." + i, manifest.digest());
      }
    }
    return labels;
  }
}
