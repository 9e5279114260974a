package io.berth.containerd.metadata;

import com.google.protobuf.Any;
import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.Identifier;
import io.berth.base.id.Labels;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a container record may say, and how an update with a field mask changes it. Pure. */
final class RecordRules {
  private RecordRules() {}

  /** INVALID_ARGUMENT for a record that cannot be stored. */
  static void check(ContainerRecord container) {
    Identifier.check(container.id());
    Labels.check(container.labels());
    for (String key : container.extensions().keySet()) {
      if (key.isEmpty()) {
        throw invalid(container, "extension keys must not be empty");
      }
    }
    if (container.runtime().name().isEmpty()) {
      throw invalid(container, "runtime.name must be set");
    }
    if (!container.hasSpec()) {
      throw invalid(container, "spec must be set");
    }
    if (!container.rootfs().key().isEmpty() && container.rootfs().snapshotter().isEmpty()) {
      throw invalid(container, "snapshotter must be set with a snapshot key");
    }
  }

  /** As it is stored: labels without empty values. */
  static ContainerRecord stored(ContainerRecord container) {
    return container.withLabels(Labels.stored(container.labels()));
  }

  /**
   * The record after an update; without paths everything that may change is replaced, and what may
   * not must be the same.
   */
  static ContainerRecord updated(ContainerRecord old, ContainerRecord sent, List<String> paths) {
    if (paths.isEmpty()) {
      if (!sent.rootfs().snapshotter().equals(old.rootfs().snapshotter())) {
        throw invalid(sent, "snapshotter cannot be changed");
      }
      if (!sent.runtime().name().equals(old.runtime().name())) {
        throw invalid(sent, "runtime.name cannot be changed");
      }
      return updated(old, sent, List.of("labels", "spec", "extensions", "image", "snapshotkey"));
    }
    ContainerRecord result = old.withLabels(Labels.updated(old.labels(), sent.labels(), paths));
    for (String path : paths) {
      result = changed(result, sent, path);
    }
    check(result);
    return result;
  }

  // Labels are changed before, all paths at once.
  private static ContainerRecord changed(ContainerRecord old, ContainerRecord sent, String path) {
    return switch (path) {
      case "labels" -> old;
      // containerd's store adds and overwrites extensions, and never takes one away.
      case "extensions" -> old.withMoreExtensions(sent.extensions());
      case "spec" -> old.withSpec(sent.spec());
      case "image" -> old.withImage(sent.image());
      case "snapshotkey" -> old.withSnapshotKey(sent.rootfs().key());
      default -> {
        if (path.startsWith("extensions.")) {
          String key = path.substring("extensions.".length());
          Any value = sent.extensions().get(key);
          yield value == null ? old : old.withMoreExtensions(Map.of(key, value));
        }
        if (path.startsWith("labels.")) {
          yield old;
        }
        throw invalid(sent, "cannot update `" + path + "`");
      }
    };
  }

  /** What containerd lets filters see of a container: id, image, runtime.name and labels. */
  static Filter.Fields fields(ContainerRecord container) {
    return path ->
        switch (path.getFirst()) {
          case "id" -> container.id();
          case "image" -> textOrNull(container.image());
          case "runtime" ->
              Filter.key(path).equals("name") && path.size() > 1
                  ? textOrNull(container.runtime().name())
                  : null;
          case "labels" -> path.size() == 1 ? null : container.labels().get(Filter.key(path));
          default -> null;
        };
  }

  private static @Nullable String textOrNull(String text) {
    return text.isEmpty() ? null : text;
  }

  private static BerthException invalid(ContainerRecord container, String why) {
    return new BerthException.InvalidArgument("container \"" + container.id() + "\": " + why);
  }
}
