package io.berth.containerd.api;

import io.berth.api.containerd.services.introspection.v1.Plugin;
import io.berth.api.containerd.types.Platform;
import io.berth.base.config.Config;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The rows that clients look for. Berth has no plug-ins; a row says that a part of containerd's
 * interface is served, under the name that it has there.
 */
final class PluginRows {
  private static final List<String> GRPC =
      List.of(
          "containers",
          "content",
          "diff",
          "events",
          "healthcheck",
          "images",
          "introspection",
          "leases",
          "namespaces",
          "snapshots",
          "tasks",
          "version");

  private PluginRows() {}

  static List<Plugin> of(Config config) {
    Platform platform = platform();
    Plugin.Builder runtime =
        row("io.containerd.runtime.v2", "task")
            .addPlatforms(platform)
            .putExports("log-uri-schemes", "fifo,binary,file");
    List<Plugin> rows = new ArrayList<>();
    rows.add(row("io.containerd.content.v1", "content").addPlatforms(platform).build());
    rows.add(row("io.containerd.differ.v1", "walking").addPlatforms(platform).build());
    rows.add(row("io.containerd.event.v1", "exchange").build());
    rows.add(row("io.containerd.gc.v1", "scheduler").build());
    GRPC.forEach(id -> rows.add(row("io.containerd.grpc.v1", id).build()));
    rows.add(
        row("io.containerd.internal.v1", "restart")
            .addAllCapabilities(List.of("no", "always", "on-failure", "unless-stopped"))
            .build());
    rows.add(row("io.containerd.lease.v1", "manager").build());
    rows.add(row("io.containerd.metadata.v1", "bolt").build());
    rows.add(runtime.build());
    for (String snapshotter : List.of("native", "overlayfs")) {
      rows.add(
          row("io.containerd.snapshotter.v1", snapshotter)
              .addPlatforms(platform)
              .putAllExports(
                  Map.of(
                      "root", config.root().resolve("snapshots").resolve(snapshotter).toString()))
              .build());
    }
    return rows;
  }

  private static Plugin.Builder row(String type, String id) {
    return Plugin.newBuilder().setType(type).setId(id);
  }

  private static Platform platform() {
    String architecture =
        switch (System.getProperty("os.arch").toLowerCase(Locale.ROOT)) {
          case "amd64", "x86_64" -> "amd64";
          case "aarch64" -> "arm64";
          case String other -> other;
        };
    return Platform.newBuilder().setOs("linux").setArchitecture(architecture).build();
  }
}
