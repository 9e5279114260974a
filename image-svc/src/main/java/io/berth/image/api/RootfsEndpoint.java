package io.berth.image.api;

import com.google.protobuf.Empty;
import io.berth.api.berth.image.v1.LookUpUserRequest;
import io.berth.api.berth.image.v1.LookUpUserResponse;
import io.berth.api.berth.image.v1.MountsRequest;
import io.berth.api.berth.image.v1.MountsResponse;
import io.berth.api.berth.image.v1.PrepareRequest;
import io.berth.api.berth.image.v1.PrepareResponse;
import io.berth.api.berth.image.v1.RemoveRootfsRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.image.library.ImageLibrary;
import io.berth.image.rootfs.ContainerUser;
import io.berth.image.rootfs.Rootfs;
import io.berth.image.snapshot.Snapshots;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;

/** {@code berth.image.v1.Rootfs}. */
public final class RootfsEndpoint extends RootfsGrpc.RootfsImplBase {
  private final Rootfs rootfs;
  private final LibraryEndpoint.Settings settings;
  private final ImageMessages messages;

  public RootfsEndpoint(Rootfs rootfs, ImageLibrary library, LibraryEndpoint.Settings settings) {
    this.rootfs = rootfs;
    this.settings = settings;
    this.messages = new ImageMessages(library);
  }

  private Snapshots.Key key(String snapshotter, String key) {
    return new Snapshots.Key(
        CallContext.namespace(), snapshotter.isEmpty() ? settings.snapshotter() : snapshotter, key);
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
                      request.getEphemeral(),
                      ImageMessages.platform(request.getPlatform())));
          return PrepareResponse.newBuilder()
              .setImage(messages.message(key.namespace(), key.snapshotter(), prepared.image()))
              .setUser(ImageMessages.user(prepared.user()))
              .addMounts(Wire.mount(prepared.mount()))
              .setSnapshotter(key.snapshotter())
              .build();
        });
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

  private ContainerUser lookUp(LookUpUserRequest request) {
    if (request.getRootfs().isEmpty()) {
      return rootfs.lookUpUser(
          key(request.getSnapshotter(), request.getKey()),
          request.getUser(),
          request.getGroupsList());
    }
    if (!request.getRootfs().startsWith("/")) {
      throw new BerthException.InvalidArgument(
          "look up user in `" + request.getRootfs() + "`: not an absolute path");
    }
    return rootfs.lookUpUser(
        Path.of(request.getRootfs()), request.getUser(), request.getGroupsList());
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
}
