package io.berth.cli.render;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.berth.volume.v1.Volume;
import io.berth.base.json.Json;
import io.berth.base.rpc.Timestamps;
import java.util.TreeMap;

/** Shows a volume as docker's {@code volume inspect} does, under the same names. */
public final class VolumeDocument {
  private VolumeDocument() {}

  /** The document about a volume. */
  public static ObjectNode of(Volume volume) {
    ObjectNode node = Json.mapper().createObjectNode();
    node.put("CreatedAt", Timestamps.instant(volume.getCreatedAt()).toString());
    node.put("Driver", "local");
    ObjectNode labels = node.putObject("Labels");
    new TreeMap<>(volume.getLabelsMap()).forEach(labels::put);
    node.put("Mountpoint", volume.getPath());
    node.put("Name", volume.getName());
    ObjectNode options = node.putObject("Options");
    new TreeMap<>(volume.getOptionsMap()).forEach(options::put);
    node.put("Scope", "local");
    node.put("Anonymous", volume.getAnonymous());
    volume.getUsersList().forEach(node.putArray("Users")::add);
    return node;
  }
}
