package io.berth.image.api;

import com.google.protobuf.Empty;
import io.berth.api.berth.volume.v1.CreateRequest;
import io.berth.api.berth.volume.v1.GetRequest;
import io.berth.api.berth.volume.v1.ListRequest;
import io.berth.api.berth.volume.v1.ListResponse;
import io.berth.api.berth.volume.v1.MountRequest;
import io.berth.api.berth.volume.v1.MountResponse;
import io.berth.api.berth.volume.v1.PruneRequest;
import io.berth.api.berth.volume.v1.PruneResponse;
import io.berth.api.berth.volume.v1.ReleaseRequest;
import io.berth.api.berth.volume.v1.RemoveRequest;
import io.berth.api.berth.volume.v1.Source;
import io.berth.api.berth.volume.v1.Volume;
import io.berth.api.berth.volume.v1.VolumesGrpc;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.Timestamps;
import io.berth.base.text.ListFilters;
import io.berth.image.rootfs.RootfsFiles;
import io.berth.image.snapshot.Snapshots;
import io.berth.image.tree.MergedTree;
import io.berth.image.unpack.LayerThreads;
import io.berth.image.volume.VolumeFilling;
import io.berth.image.volume.VolumeStore;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code berth.volume.v1.Volumes}. */
@Singleton
public final class VolumesEndpoint extends VolumesGrpc.VolumesImplBase {
  private static final List<String> PRUNED = List.of(ListFilters.LABEL, ListFilters.NO_LABEL);
  private static final List<String> LISTED =
      List.of("name", ListFilters.LABEL, ListFilters.NO_LABEL, "dangling", "driver");

  private final VolumeStore volumes;
  private final VolumeFilling filling;
  private final RootfsFiles files;
  private final String snapshotter;
  private final LayerThreads threads = new LayerThreads(16);

  /** Apart from those that copy, because a server that does not answer keeps its thread. */
  private final LayerThreads mounting = new LayerThreads(64);

  @Inject
  public VolumesEndpoint(
      VolumeStore volumes, VolumeFilling filling, RootfsFiles files, Config config) {
    this.volumes = volumes;
    this.filling = filling;
    this.files = files;
    this.snapshotter = config.snapshotter();
  }

  @Override
  public void create(CreateRequest request, StreamObserver<Volume> responses) {
    Calls.answer(
        responses,
        () -> {
          String namespace = CallContext.namespace();
          VolumeStore.Volume volume =
              request.hasSource()
                  ? threads.run("fill volume", () -> filled(namespace, request))
                  : made(request);
          return message(volume, List.of(), new VolumeStore.Mounted());
        });
  }

  private VolumeStore.Volume made(CreateRequest request) {
    return volumes.create(
        request.getName(),
        !request.getAnonymous(),
        request.getLabelsMap(),
        request.getDriver(),
        request.getOptionsMap());
  }

  private VolumeStore.Volume filled(String namespace, CreateRequest request) throws IOException {
    try (MergedTree tree = files.open(tree(namespace, request.getSource()))) {
      MergedTree.Node folder = VolumeFilling.folder(tree, request.getSource().getPath());
      VolumeStore.Volume volume = made(request);
      if (folder == null) {
        return volume;
      }
      try {
        if (volume.options().isEmpty()) {
          var _ = filling.fill(volume.name(), tree, folder);
        } else {
          var _ = filling.fillMounted(volume, tree, folder);
        }
        return volume;
      } catch (IOException | RuntimeException e) {
        if (volume.anonymous()) {
          forget(volume, e);
        }
        throw e;
      }
    }
  }

  /** Removes an anonymous volume that could not be filled, for nobody has been told its name. */
  private void forget(VolumeStore.Volume volume, Exception cause) {
    try {
      volumes.remove(volume.name(), /* force= */ true);
    } catch (BerthException e) {
      cause.addSuppressed(e);
    }
  }

  private RootfsFiles.Tree tree(String namespace, Source source) {
    if (source.getRootfs().isEmpty()) {
      return new RootfsFiles.Tree.Stored(
          new Snapshots.Key(
              namespace,
              source.getSnapshotter().isEmpty() ? snapshotter : source.getSnapshotter(),
              source.getSnapshotKey()));
    }
    if (!source.getRootfs().startsWith("/")) {
      throw new BerthException.InvalidArgument(
          "fill volume from `" + source.getRootfs() + "`: not an absolute path");
    }
    return new RootfsFiles.Tree.Live(Path.of(source.getRootfs()));
  }

  @Override
  public void get(GetRequest request, StreamObserver<Volume> responses) {
    Calls.answer(
        responses,
        () -> {
          VolumeStore.Volume volume = volumes.get(request.getName());
          return message(
              volume,
              volumes.users().getOrDefault(volume.name(), List.of()),
              new VolumeStore.Mounted());
        });
  }

  @Override
  public void list(ListRequest request, StreamObserver<ListResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          Map<String, List<String>> users = volumes.users();
          VolumeStore.Mounted mounted = new VolumeStore.Mounted();
          ListFilters wanted = ListFilters.parse("volumes", request.getFiltersList(), LISTED);
          Boolean dangling = wanted.flag("dangling");
          return ListResponse.newBuilder()
              .addAllVolumes(
                  volumes.list().stream()
                      .map(volume -> {
                        Volume one =
                            message(volume, users.getOrDefault(volume.name(), List.of()), mounted);
                        return request.getSize() ? measured(one, volume) : one;
                      })
                      .filter(volume -> fits(volume, wanted, dangling))
                      .toList())
              .build();
        });
  }

  private static Volume measured(Volume message, VolumeStore.Volume volume) {
    return message.toBuilder().setSize(volume.bytes()).build();
  }

  private static boolean fits(Volume volume, ListFilters wanted, @Nullable Boolean dangling) {
    return wanted.anyPattern("name", volume.getName())
        && wanted.fitsLabels(volume.getLabelsMap())
        && wanted.any("driver", "local"::equals)
        && (dangling == null || dangling == volume.getUsersList().isEmpty());
  }

  @Override
  public void remove(RemoveRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          return mounting.run(
              "remove volume",
              () -> {
                volumes.remove(request.getName(), request.getForce());
                return Empty.getDefaultInstance();
              });
        });
  }

  @Override
  public void release(ReleaseRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          return mounting.run(
              "release volume",
              () -> {
                volumes.release(request.getName(), request.getContainer());
                return Empty.getDefaultInstance();
              });
        });
  }

  @Override
  public void mount(MountRequest request, StreamObserver<MountResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          boolean mounted = mounting.run("mount volume", () -> volumes.mount(request.getName()));
          return MountResponse.newBuilder().setMounted(mounted).build();
        });
  }

  @Override
  public void unmount(MountRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () ->
            mounting.run(
                "unmount volume",
                () -> {
                  volumes.unmount(request.getName());
                  return Empty.getDefaultInstance();
                }));
  }

  @Override
  public void prune(PruneRequest request, StreamObserver<PruneResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          ListFilters wanted =
              ListFilters.parse("volumes to prune", request.getFiltersList(), PRUNED);
          VolumeStore.Pruned pruned =
              mounting.run(
                  "prune volumes",
                  () ->
                      volumes.prune(
                          request.getAll(), volume -> wanted.fitsLabels(volume.labels())));
          return PruneResponse.newBuilder()
              .addAllNames(pruned.names())
              .setBytes(pruned.bytes())
              .build();
        });
  }

  private static Volume message(
      VolumeStore.Volume volume, List<String> users, VolumeStore.Mounted mounted) {
    return Volume.newBuilder()
        .setName(volume.name())
        .setPath(volume.path().toString())
        .putAllLabels(volume.labels())
        .putAllOptions(volume.options())
        .setCreatedAt(Timestamps.of(volume.created()))
        .setAnonymous(volume.anonymous())
        .setMounted(mounted.holds(volume))
        .addAllUsers(users)
        .build();
  }
}
