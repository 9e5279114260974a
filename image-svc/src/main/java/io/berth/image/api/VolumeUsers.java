package io.berth.image.api;

import com.fasterxml.jackson.databind.JsonNode;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.containerd.services.containers.v1.ListContainersRequest;
import io.berth.api.containerd.services.namespaces.v1.ListNamespacesRequest;
import io.berth.api.containerd.services.namespaces.v1.NamespacesGrpc;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.UnixChannel;
import io.berth.image.disk.ImagePaths;
import io.berth.image.volume.VolumeStore;
import io.grpc.ManagedChannel;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds the volumes that containers use: by their specifications, whoever made them, and by our own
 * records of those that have not been started yet. Thread-safe.
 */
@Singleton
public final class VolumeUsers implements VolumeStore.Usage {
  private static final String PROGRAM = "berth-containerd";

  private final ContainersOfNamespaces containers;
  private final Path folder;

  @Inject
  public VolumeUsers(ContainersOfNamespaces containers, ImagePaths paths) {
    this.containers = containers;
    this.folder = paths.volumes();
  }

  @Override
  public Map<String, List<String>> containersByVolume() {
    Map<String, List<String>> result = new HashMap<>();
    ManagedChannel channel = containers.channel();
    List<String> namespaces =
        Calls.call(
                containers.socket(),
                PROGRAM,
                () ->
                    NamespacesGrpc.newBlockingStub(channel)
                        .list(ListNamespacesRequest.getDefaultInstance()))
            .getNamespacesList()
            .stream()
            .map(io.berth.api.containerd.services.namespaces.v1.Namespace::getName)
            .toList();
    for (String namespace : namespaces) {
      bySpecification(namespace, channel, result);
      byRecord(namespace, channel, result);
    }
    return result;
  }

  private void bySpecification(
      String namespace, ManagedChannel channel, Map<String, List<String>> result) {
    var stub =
        UnixChannel.in(
            io.berth.api.containerd.services.containers.v1.ContainersGrpc.newBlockingStub(channel),
            namespace,
            null);
    Calls.call(
            containers.socket(),
            PROGRAM,
            () -> stub.list(ListContainersRequest.getDefaultInstance()))
        .getContainersList()
        .forEach(container -> {
          byte[] spec = container.getSpec().getValue().toByteArray();
          if (spec.length == 0) {
            return;
          }
          for (JsonNode mount : mountsOf(spec)) {
            Path source = Path.of(mount.path("source").asText("").replace("\0", ""));
            if (source.startsWith(folder) && source.getNameCount() > folder.getNameCount()) {
              add(result, source.getName(folder.getNameCount()).toString(), container.getId());
            }
          }
        });
  }

  private static Iterable<JsonNode> mountsOf(byte[] spec) {
    try {
      return Json.tree(spec, "specification").path("mounts");
    } catch (BerthException.InvalidArgument e) {
      return List.of();
    }
  }

  private void byRecord(
      String namespace, ManagedChannel channel, Map<String, List<String>> result) {
    var stub = UnixChannel.in(ContainersGrpc.newBlockingStub(channel), namespace, null);
    Calls.call(
            containers.socket(),
            PROGRAM,
            () -> stub.list(ListRequest.newBuilder().setAll(true).build()))
        .getContainersList()
        .forEach(container ->
            container.getHost().getMountsList().stream()
                .filter(mount -> mount.getType().equals("volume") && !mount.getSource().isEmpty())
                .forEach(mount -> add(result, mount.getSource(), container.getId())));
  }

  private static void add(Map<String, List<String>> result, String volume, String container) {
    List<String> all = result.computeIfAbsent(volume, _ -> new ArrayList<>());
    if (!all.contains(container)) {
      all.add(container);
    }
  }
}
