package io.berth.containerd.api;

import com.google.protobuf.Empty;
import io.berth.api.containerd.services.introspection.v1.IntrospectionGrpc;
import io.berth.api.containerd.services.introspection.v1.Plugin;
import io.berth.api.containerd.services.introspection.v1.PluginInfoRequest;
import io.berth.api.containerd.services.introspection.v1.PluginInfoResponse;
import io.berth.api.containerd.services.introspection.v1.PluginsRequest;
import io.berth.api.containerd.services.introspection.v1.PluginsResponse;
import io.berth.api.containerd.services.introspection.v1.ServerResponse;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.io.AtomicFile;
import io.berth.base.layout.RootFolders;
import io.berth.base.rpc.Calls;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;

/** {@code containerd.services.introspection.v1.Introspection}. Needs no namespace header. */
@Singleton
public final class IntrospectionEndpoint extends IntrospectionGrpc.IntrospectionImplBase {
  private final Config config;
  private final Path uuidFile;

  @Inject
  IntrospectionEndpoint(Config config) {
    this.config = config;
    this.uuidFile = new RootFolders(config.root()).instanceUuid();
  }

  @Override
  public void plugins(PluginsRequest request, StreamObserver<PluginsResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          Filter filter = Filter.of(request.getFiltersList());
          return PluginsResponse.newBuilder()
              .addAllPlugins(
                  PluginRows.of(config).stream()
                      .filter(row -> filter.matches(fields(row)))
                      .toList())
              .build();
        });
  }

  private static Filter.Fields fields(Plugin row) {
    return path ->
        switch (path.getFirst()) {
          case "type" -> row.getType();
          case "id" -> row.getId();
          default -> null;
        };
  }

  /** Answers the uuid that was drawn when the root folder was made. */
  @Override
  public void server(Empty request, StreamObserver<ServerResponse> responses) {
    Calls.answer(
        responses,
        () ->
            ServerResponse.newBuilder()
                .setUuid(uuid())
                .setPid(ProcessHandle.current().pid())
                .setPidns(pidNamespace())
                .build());
  }

  private synchronized String uuid() throws IOException {
    if (!Files.exists(uuidFile)) {
      Files.createDirectories(uuidFile.getParent());
      AtomicFile.writeDurably(
          uuidFile, (UUID.randomUUID() + "\n").getBytes(StandardCharsets.US_ASCII), "rw-r--r--");
    }
    return Files.readString(uuidFile).strip();
  }

  private static long pidNamespace() {
    try {
      String link = Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString();
      return Long.parseLong(link.substring(link.indexOf('[') + 1, link.indexOf(']')));
    } catch (IOException | RuntimeException e) {
      return 0;
    }
  }

  @Override
  public void pluginInfo(PluginInfoRequest request, StreamObserver<PluginInfoResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          List<Plugin> rows =
              PluginRows.of(config).stream()
                  .filter(row ->
                      row.getType().equals(request.getType())
                          && row.getId().equals(request.getId()))
                  .toList();
          if (rows.isEmpty()) {
            throw new BerthException.NotFound(
                "plugin " + request.getType() + "." + request.getId());
          }
          if (request.hasOptions()) {
            throw new BerthException.NotImplemented(
                "plugin "
                    + request.getType()
                    + "."
                    + request.getId()
                    + " has nothing more to tell");
          }
          return PluginInfoResponse.newBuilder().setPlugin(rows.getFirst()).build();
        });
  }
}
