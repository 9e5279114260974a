package io.berth.image.api;

import com.google.protobuf.Empty;
import io.berth.api.berth.image.v1.ArchiveRequest;
import io.berth.api.berth.image.v1.BeginRequest;
import io.berth.api.berth.image.v1.Change;
import io.berth.api.berth.image.v1.Chunk;
import io.berth.api.berth.image.v1.DiffRequest;
import io.berth.api.berth.image.v1.ExportRequest;
import io.berth.api.berth.image.v1.ExtractRequest;
import io.berth.api.berth.image.v1.ExtractResponse;
import io.berth.api.berth.image.v1.LookUpUserRequest;
import io.berth.api.berth.image.v1.LookUpUserResponse;
import io.berth.api.berth.image.v1.MountsRequest;
import io.berth.api.berth.image.v1.MountsResponse;
import io.berth.api.berth.image.v1.PrepareRequest;
import io.berth.api.berth.image.v1.PrepareResponse;
import io.berth.api.berth.image.v1.RemoveRootfsRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.berth.image.v1.StatPathRequest;
import io.berth.api.berth.image.v1.StatPathResponse;
import io.berth.api.containerd.types.Mount;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.Timestamps;
import io.berth.image.gc.Schedule;
import io.berth.image.library.ImageChronicle;
import io.berth.image.rootfs.ContainerUser;
import io.berth.image.rootfs.Rootfs;
import io.berth.image.rootfs.RootfsFiles;
import io.berth.image.snapshot.Snapshots;
import io.berth.image.unpack.LayerThreads;
import io.berth.oci.image.ImageReference;
import io.berth.oci.image.Platform;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;

/** {@code berth.image.v1.Rootfs}. */
@Singleton
public final class RootfsEndpoint extends RootfsGrpc.RootfsImplBase {
  private final Rootfs rootfs;
  private final RootfsFiles files;
  private final String snapshotter;
  private final ImageMessages messages;
  private final ImageChronicle chronicle;
  private final Schedule schedule;

  /** Long work goes to platform threads; as many at a time as there are calls, up to a bound. */
  private final LayerThreads threads = new LayerThreads(16);

  /** Apart from those that copy, for they are many and short. */
  private final LayerThreads looks = new LayerThreads(64);

  @Inject
  RootfsEndpoint(
      Rootfs rootfs,
      RootfsFiles files,
      ImageMessages messages,
      ImageChronicle chronicle,
      Schedule schedule,
      Config config) {
    this.rootfs = rootfs;
    this.files = files;
    this.snapshotter = config.snapshotter();
    this.messages = messages;
    this.chronicle = chronicle;
    this.schedule = schedule;
  }

  private Snapshots.Key key(String snapshotter, String key) {
    return new Snapshots.Key(
        CallContext.namespace(), snapshotter.isEmpty() ? this.snapshotter : snapshotter, key);
  }

  @Override
  public void prepare(PrepareRequest request, StreamObserver<PrepareResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          Snapshots.Key key = key("", request.getKey());
          Rootfs.Prepared prepared =
              rootfs.prepare(
                  new Rootfs.Request(
                      key,
                      request.getRef(),
                      request.getUser(),
                      request.getGroupsList(),
                      request.getWithoutUser(),
                      request.getEphemeral(),
                      ImageMessages.platform(request.getPlatform()),
                      request.getLife()));
          PrepareResponse.Builder response = PrepareResponse.newBuilder();
          ContainerUser user = prepared.user();
          if (user != null) {
            response.setUser(ImageMessages.user(user));
          }
          return response
              .setImage(messages.message(key.namespace(), key.snapshotter(), prepared.image()))
              .addMounts(Wire.mount(prepared.mount()))
              .setSnapshotter(key.snapshotter())
              .addAllWarnings(warnings(request, prepared.image().config().platform()))
              .setName(meant(request.getRef(), prepared.image().names()))
              .build();
        });
  }

  @Override
  public void begin(BeginRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          rootfs.begin(request.getLife());
          schedule.ask();
          return Empty.getDefaultInstance();
        });
  }

  /** Which of an image's names a person means by a name or an id. */
  private static String meant(String ref, List<String> names) {
    String full;
    try {
      full = ImageReference.of(ref).toString();
    } catch (BerthException.InvalidArgument e) {
      // It is an id, or a name that another client has made.
      full = ref;
    }
    return names.contains(full) ? full : names.isEmpty() ? "" : names.getFirst();
  }

  /**
   * The warning about an image for another kind of machine, in docker's words, for which people
   * search.
   */
  private static List<String> warnings(PrepareRequest request, Platform image) {
    if (!request.getPlatform().isEmpty() || Platform.host().runs(image)) {
      return List.of();
    }
    return List.of(
        "The requested image's platform ("
            + image
            + ") does not match the detected host platform ("
            + Platform.host()
            + ") and no specific platform was requested");
  }

  @Override
  public void mounts(MountsRequest request, StreamObserver<MountsResponse> responses) {
    Calls.answer(
        responses,
        () ->
            MountsResponse.newBuilder()
                .addMounts(
                    Wire.mount(rootfs.mounts(key(request.getSnapshotter(), request.getKey()))))
                .build());
  }

  @Override
  public void lookUpUser(LookUpUserRequest request, StreamObserver<LookUpUserResponse> responses) {
    Calls.answer(
        responses,
        () -> LookUpUserResponse.newBuilder().setUser(ImageMessages.user(lookUp(request))).build());
  }

  private ContainerUser lookUp(LookUpUserRequest request) throws IOException {
    RootfsFiles.Tree tree =
        new Whose(request.getRootfs(), request.getMountsList(), /* readOnly= */ false)
            .tree(() -> key(request.getSnapshotter(), request.getKey()));
    // A tree that runs may have its files of a server, or of itself, that does not answer.
    return tree instanceof RootfsFiles.Tree.Stored
        ? files.user(tree, request.getUser(), request.getGroupsList())
        : looks.run("user", () -> files.user(tree, request.getUser(), request.getGroupsList()));
  }

  @Override
  public void remove(RemoveRootfsRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          rootfs.remove(key(request.getSnapshotter(), request.getKey()));
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void diff(DiffRequest request, StreamObserver<Change> responses) {
    Snapshots.Key key = key(request.getSnapshotter(), request.getKey());
    BlockingSender.run(
        responses,
        sender -> {
          for (io.berth.image.tree.Change change : threads.run("diff", () -> files.changes(key))) {
            sender.send(message(change));
          }
        });
  }

  private static Change message(io.berth.image.tree.Change change) {
    return Change.newBuilder()
        .setPath("/" + change.path())
        .setKind(
            switch (change.kind()) {
              case ADDED -> Change.Kind.KIND_ADDED;
              case CHANGED -> Change.Kind.KIND_CHANGED;
              case DELETED -> Change.Kind.KIND_DELETED;
            })
        .build();
  }

  /** Writes the bytes of a stream. */
  private interface Bytes {
    void write(OutputStream out) throws IOException;
  }

  private void stream(StreamObserver<Chunk> responses, String name, Bytes bytes) {
    BlockingSender.run(
        responses,
        sender -> {
          boolean done =
              threads.run(
                  name,
                  () -> {
                    ChunkStream out = new ChunkStream(sender);
                    bytes.write(out);
                    out.flush();
                    return true;
                  });
          assert done;
        });
  }

  @Override
  public void export(ExportRequest request, StreamObserver<Chunk> responses) {
    Snapshots.Key key = key(request.getSnapshotter(), request.getKey());
    stream(
        responses,
        "export",
        out -> {
          files.export(key, out);
          chronicle.exported(key);
        });
  }

  /** The files that a request is about, in the fields that several requests have. */
  private record Whose(String rootfs, List<Mount> mounts, boolean readOnly) {
    RootfsFiles.Tree tree(Supplier<Snapshots.Key> key) {
      if (rootfs.isEmpty()) {
        return mounts.isEmpty() && !readOnly
            ? new RootfsFiles.Tree.Stored(key.get())
            : new RootfsFiles.Tree.Stopped(key.get(), Wire.containerMounts(mounts), readOnly);
      }
      if (!rootfs.startsWith("/")) {
        throw new BerthException.InvalidArgument("rootfs `" + rootfs + "`: must begin with /");
      }
      return new RootfsFiles.Tree.Live(Path.of(rootfs));
    }
  }

  @Override
  public void archive(ArchiveRequest request, StreamObserver<Chunk> responses) {
    Snapshots.Key key = key(request.getSnapshotter(), request.getKey());
    RootfsFiles.Tree tree =
        new Whose(request.getRootfs(), request.getMountsList(), /* readOnly= */ false)
            .tree(() -> key);
    stream(
        responses,
        "archive",
        out -> {
          files.archive(tree, request.getPath(), out);
          chronicle.read(key);
        });
  }

  @Override
  public StreamObserver<ExtractRequest> extract(StreamObserver<ExtractResponse> responses) {
    String namespace = CallContext.namespace();
    RequestStream<ExtractRequest> requests = new RequestStream<>(responses);
    BlockingSender.run(
        responses,
        sender -> {
          ExtractRequest first = requests.next();
          if (first == null) {
            throw new BerthException.InvalidArgument(
                "extract: the first message names the snapshot");
          }
          String snapshotter =
              first.getSnapshotter().isEmpty() ? this.snapshotter : first.getSnapshotter();
          Snapshots.Key key = new Snapshots.Key(namespace, snapshotter, first.getKey());
          long entries =
              threads.run(
                  "extract",
                  () ->
                      files.extract(
                          new Whose(
                                  first.getRootfs(),
                                  first.getMountsList(),
                                  first.getReadOnlyRootfs())
                              .tree(() -> key),
                          first.getPath(),
                          first.getOverwriteFolderWithFile(),
                          new StreamedBytes<>(requests, ExtractRequest::getData, first.getData())));
          chronicle.written(key);
          sender.send(ExtractResponse.newBuilder().setEntries(entries).build());
        });
    return requests;
  }

  @Override
  public void statPath(StatPathRequest request, StreamObserver<StatPathResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          RootfsFiles.Tree tree =
              new Whose(request.getRootfs(), request.getMountsList(), /* readOnly= */ false)
                  .tree(() -> key(request.getSnapshotter(), request.getKey()));
          RootfsFiles.Found found =
              tree instanceof RootfsFiles.Tree.Stored
                  ? files.stat(tree, request.getPath())
                  : looks.run("stat", () -> files.stat(tree, request.getPath()));
          return StatPathResponse.newBuilder()
              .setName(found.name())
              .setSize(found.size())
              .setMode(found.mode())
              .setModifiedAt(Timestamps.of(found.modified()))
              .setLinkTarget(found.linkTarget())
              .build();
        });
  }
}
