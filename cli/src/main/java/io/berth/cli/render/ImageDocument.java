package io.berth.cli.render;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.berth.container.v1.ImageConfig;
import io.berth.api.berth.image.v1.Image;
import io.berth.base.json.Json;
import io.berth.base.rpc.Timestamps;
import java.util.List;
import java.util.TreeMap;

/** Shows an image as docker's {@code inspect} does, under the same names. */
public final class ImageDocument {
  private ImageDocument() {}

  /** The document about an image. */
  public static ObjectNode of(Image image) {
    ObjectNode node = Json.mapper().createObjectNode();
    node.put("Id", image.getId());
    texts(node, "RepoTags", image.getNamesList().stream().map(ImageDocument::familiar).toList());
    texts(node, "RepoDigests", image.getRepoDigestsList());
    node.put("Parent", image.getParent());
    node.put("Comment", image.getComment());
    node.put("Created", Timestamps.instant(image.getCreatedAt()).toString());
    node.put("Author", image.getAuthor());
    node.put("Architecture", image.getPlatform().getArchitecture());
    node.put("Variant", image.getPlatform().getVariant());
    node.put("Os", image.getPlatform().getOs());
    node.put("Size", image.getSize());
    ObjectNode descriptor = node.putObject("Descriptor");
    descriptor.put("mediaType", image.getTarget().getMediaType());
    descriptor.put("digest", image.getTarget().getDigest());
    descriptor.put("size", image.getTarget().getSize());
    ObjectNode rootfs = node.putObject("RootFS");
    rootfs.put("Type", "layers");
    texts(rootfs, "Layers", image.getDiffIdsList());
    rootfs.put("ChainID", image.getChainId());
    ImageConfig config = image.getConfig();
    ObjectNode inner = node.putObject("Config");
    inner.put("User", config.getUser());
    texts(inner, "Env", config.getEnvList());
    ContainerDocument.wishes(inner, "Cmd", config.getCmdList());
    ContainerDocument.wishes(inner, "Entrypoint", config.getEntrypointList());
    inner.put("WorkingDir", config.getWorkingDir());
    inner.put("StopSignal", config.getStopSignal());
    ObjectNode exposed = inner.putObject("ExposedPorts");
    config.getExposedPortsList().forEach(exposed::putObject);
    if (config.getVolumesCount() == 0) {
      inner.putNull("Volumes");
    } else {
      ObjectNode volumes = inner.putObject("Volumes");
      config.getVolumesList().forEach(volumes::putObject);
    }
    ObjectNode labels = inner.putObject("Labels");
    new TreeMap<>(config.getLabelsMap()).forEach(labels::put);
    return node;
  }

  /** A full name as people type it: without {@code docker.io/} and {@code library/}. */
  public static String familiar(String name) {
    String rest = name.startsWith("docker.io/") ? name.substring("docker.io/".length()) : name;
    return rest.startsWith("library/") && rest.length() != name.length()
        ? rest.substring("library/".length())
        : rest;
  }

  /** What stands before the tag or digest of a familiar name. */
  public static String repository(String familiar) {
    int at = familiar.indexOf('@');
    String name = at < 0 ? familiar : familiar.substring(0, at);
    int colon = name.lastIndexOf(':');
    return colon > name.lastIndexOf('/') ? name.substring(0, colon) : name;
  }

  /** The tag of a familiar name, or {@code <none>}. */
  public static String tag(String familiar) {
    int at = familiar.indexOf('@');
    String name = at < 0 ? familiar : familiar.substring(0, at);
    int colon = name.lastIndexOf(':');
    return colon > name.lastIndexOf('/') ? name.substring(colon + 1) : "<none>";
  }

  private static void texts(ObjectNode node, String name, List<String> values) {
    ArrayNode list = node.putArray(name);
    values.forEach(list::add);
  }
}
