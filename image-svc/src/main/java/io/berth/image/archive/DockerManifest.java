package io.berth.image.archive;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One image of docker's manifest.json: names of members, and the image's names. */
record DockerManifest(
    @JsonProperty("Config") @Nullable String config,
    @JsonProperty("RepoTags") @Nullable List<String> repoTags,
    @JsonProperty("Layers") @Nullable List<String> layers) {
  List<String> names() {
    return repoTags == null ? List.of() : List.copyOf(repoTags);
  }

  List<String> layerNames() {
    return layers == null ? List.of() : List.copyOf(layers);
  }
}
