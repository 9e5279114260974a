package io.berth.containerd.metadata;

import com.google.protobuf.Any;
import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.Identifier;
import io.berth.base.id.Labels;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a container record may say, and how an update with a field mask changes it. Pure. */
final class RecordRules {
  private RecordRules() {}

  /** INVALID_ARGUMENT for a record that cannot be stored. */
  static void check(Container container) {
    Identifier.check(container.getId());
    Labels.check(container.getLabelsMap());
    for (String key : container.getExtensionsMap().keySet()) {
      if (key.isEmpty()) {
        throw invalid(container, "extension keys must not be empty");
      }
    }
    if (container.getRuntime().getName().isEmpty()) {
      throw invalid(container, "runtime.name must be set");
    }
    if (!container.hasSpec()) {
      throw invalid(container, "spec must be set");
    }
    if (!container.getSnapshotKey().isEmpty() && container.getSnapshotter().isEmpty()) {
      throw invalid(container, "snapshotter must be set with a snapshot key");
    }
  }

  /** As it is stored: labels without empty values. */
  static Container stored(Container container) {
    return container.toBuilder()
        .clearLabels()
        .putAllLabels(Labels.stored(container.getLabelsMap()))
        .build();
  }

  /**
   * The record after an update; without paths everything that may change is replaced, and what may
   * not must be the same.
   */
  static Container updated(Container old, Container sent, List<String> paths) {
    if (paths.isEmpty()) {
      if (!sent.getSnapshotter().equals(old.getSnapshotter())) {
        throw invalid(sent, "snapshotter cannot be changed");
      }
      if (!sent.getRuntime().getName().equals(old.getRuntime().getName())) {
        throw invalid(sent, "runtime.name cannot be changed");
      }
      return updated(old, sent, List.of("labels", "spec", "extensions", "image", "snapshotkey"));
    }
    Container.Builder result = old.toBuilder();
    result
        .clearLabels()
        .putAllLabels(Labels.updated(old.getLabelsMap(), sent.getLabelsMap(), paths));
    for (String path : paths) {
      apply(result, sent, path);
    }
    Container updated = result.build();
    check(updated);
    return updated;
  }

  private static void apply(Container.Builder result, Container sent, String path) {
    switch (path) {
      case "labels" -> {}
      case "extensions" -> {
        // containerd's store adds and overwrites extensions, and never takes one away.
        Map<String, Any> all = new LinkedHashMap<>(result.getExtensionsMap());
        all.putAll(sent.getExtensionsMap());
        result.clearExtensions().putAllExtensions(all);
      }
      case "spec" -> {
        if (sent.hasSpec()) {
          result.setSpec(sent.getSpec());
        } else {
          result.clearSpec();
        }
      }
      case "image" -> result.setImage(sent.getImage());
      case "snapshotkey" -> result.setSnapshotKey(sent.getSnapshotKey());
      default -> {
        if (path.startsWith("extensions.")) {
          String key = path.substring("extensions.".length());
          Any value = sent.getExtensionsMap().get(key);
          if (value != null) {
            result.putExtensions(key, value);
          }
        } else if (!path.startsWith("labels.")) {
          throw invalid(sent, "cannot update `" + path + "`");
        }
      }
    }
  }

  /** What filters see. */
  static Filter.Fields fields(Container container) {
    return path ->
        switch (path.getFirst()) {
          case "id" -> container.getId();
          case "image" -> textOrNull(container.getImage());
          case "runtime" ->
              Filter.key(path).equals("name") && path.size() > 1
                  ? textOrNull(container.getRuntime().getName())
                  : null;
          case "labels" -> path.size() == 1 ? null : container.getLabelsMap().get(Filter.key(path));
          default -> null;
        };
  }

  private static @Nullable String textOrNull(String text) {
    return text.isEmpty() ? null : text;
  }

  private static BerthException invalid(Container container, String why) {
    return new BerthException.InvalidArgument("container \"" + container.getId() + "\": " + why);
  }
}
