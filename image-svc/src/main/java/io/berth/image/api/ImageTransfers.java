package io.berth.image.api;

import com.google.protobuf.Empty;
import io.berth.api.berth.image.v1.CheckLoginRequest;
import io.berth.api.berth.image.v1.Credentials;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.berth.image.v1.PushRequest;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.image.library.ResolvedImage;
import io.berth.image.registry.Access;
import io.berth.image.registry.RegistryHosts;
import io.berth.image.registry.RegistryTransfer;
import io.berth.oci.image.ImageReference;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;

/** The calls of {@link LibraryEndpoint} that ask registries. */
@Singleton
final class ImageTransfers {
  private final RegistryTransfer transfers;
  private final RegistryHosts registries;
  private final ImageMessages messages;
  private final LibraryThreads threads;
  private final String snapshotter;

  @Inject
  ImageTransfers(
      RegistryTransfer transfers,
      RegistryHosts registries,
      ImageMessages messages,
      LibraryThreads threads,
      Config config) {
    this.transfers = transfers;
    this.registries = registries;
    this.messages = messages;
    this.threads = threads;
    this.snapshotter = config.text(Key.IMAGE_SNAPSHOTTER);
  }

  void pull(PullRequest request, StreamObserver<Progress> responses) {
    String namespace = CallContext.namespace();
    BlockingSender.run(
        responses,
        sender -> {
          RegistryHosts.Route route =
              route(
                  request.getRef(),
                  wish(request.getCredentials(), request.getPlainHttp(), request.getInsecureTls()));
          RegistryTransfer.Request transfer =
              new RegistryTransfer.Request(
                  namespace,
                  snapshotter,
                  bare(request.getRef()),
                  ImageMessages.platform(request.getPlatform()),
                  route,
                  !request.getNoUnpack(),
                  new ProgressStream(sender));
          List<String> refs =
              request.getAllTags()
                  ? threads.run("tags", () -> transfers.tags(transfer))
                  : List.of(transfer.ref());
          for (String ref : refs) {
            ResolvedImage image = threads.run("pull", () -> transfers.pull(transfer.of(ref)));
            sender.send(
                Progress.newBuilder()
                    .setStatus("done")
                    .setMessage(image.target().digest())
                    .setImage(message(namespace, image))
                    .build());
          }
        });
  }

  void push(PushRequest request, StreamObserver<Progress> responses) {
    String namespace = CallContext.namespace();
    BlockingSender.run(
        responses,
        sender -> {
          RegistryHosts.Route route =
              route(
                  request.getRef(),
                  wish(request.getCredentials(), request.getPlainHttp(), request.getInsecureTls()));
          RegistryTransfer.Request transfer =
              new RegistryTransfer.Request(
                  namespace,
                  snapshotter,
                  bare(request.getRef()),
                  null,
                  route,
                  /* unpack= */ false,
                  new ProgressStream(sender));
          var pushed = threads.run("push", () -> transfers.push(transfer));
          sender.send(
              Progress.newBuilder()
                  .setStatus("done")
                  .setMessage(pushed.digest())
                  .setTotal(pushed.size())
                  .build());
        });
  }

  void checkLogin(CheckLoginRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () ->
            threads.run(
                "login",
                () -> {
                  transfers.checkLogin(
                      registries.route(
                          request.getRegistry(),
                          wish(
                              request.getCredentials(),
                              request.getPlainHttp(),
                              request.getInsecureTls())));
                  return Empty.getDefaultInstance();
                }));
  }

  /** The name without the scheme of an address, by which a registry may be named as well. */
  private static String bare(String ref) {
    return ref.replaceFirst("^https?://", "");
  }

  private RegistryHosts.Route route(String ref, RegistryHosts.Wish wish) {
    String domain = ImageReference.of(bare(ref)).domain();
    return registries.route(ref.substring(0, ref.length() - bare(ref).length()) + domain, wish);
  }

  private static RegistryHosts.Wish wish(
      Credentials credentials, boolean plainHttp, boolean insecureTls) {
    return new RegistryHosts.Wish(
        new Access.Credentials(
            credentials.getUsername(),
            credentials.getPassword(),
            credentials.getIdentityToken(),
            credentials.getRegistryToken()),
        plainHttp,
        insecureTls);
  }

  private Image message(String namespace, ResolvedImage image) {
    return messages.message(namespace, snapshotter, image);
  }
}
