package io.berth.oci.image;

import io.berth.base.id.Digest;
import java.util.ArrayList;
import java.util.List;

/** Names of stacks of layers (OCI image-spec, config.md, Layer ChainID). */
public final class ChainId {
  private ChainId() {}

  /** Of a layer on top of a stack; of the layer alone if the parent is empty. */
  public static String of(String parent, String diffId) {
    return parent.isEmpty() ? diffId : Digest.sha256(parent + " " + diffId).toString();
  }

  /** The name of every prefix of the stack, as many as there are layers. */
  public static List<String> all(List<String> diffIds) {
    List<String> chain = new ArrayList<>(diffIds.size());
    String parent = "";
    for (String diffId : diffIds) {
      parent = of(parent, diffId);
      chain.add(parent);
    }
    return chain;
  }

  /** The name of the whole stack; empty for no layer. */
  public static String of(List<String> diffIds) {
    List<String> all = all(diffIds);
    return all.isEmpty() ? "" : all.getLast();
  }
}
