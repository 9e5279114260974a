package io.berth.image.library;

import io.berth.oci.image.Descriptor;
import io.berth.oci.image.Manifest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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

  /** The labels of an index, for the manifests that are here. */
  public static Map<String, String> of(List<Descriptor> manifests) {
    Map<String, String> labels = new LinkedHashMap<>();
    for (int i = 0; i < manifests.size(); i++) {
      labels.put(CONTENT + "m." + i, manifests.get(i).digest());
    }
    return labels;
  }
}
