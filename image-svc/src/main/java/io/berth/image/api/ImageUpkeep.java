package io.berth.image.api;

import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.PruneRequest;
import io.berth.api.berth.image.v1.PruneResponse;
import io.berth.api.berth.image.v1.RemoveRequest;
import io.berth.api.berth.image.v1.RemoveResponse;
import io.berth.api.berth.image.v1.TagRequest;
import io.berth.api.berth.image.v1.VerifyRequest;
import io.berth.api.berth.image.v1.VerifyResponse;
import io.berth.base.config.Config;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.image.gc.Schedule;
import io.berth.image.lease.Leases;
import io.berth.image.library.ResolvedImage;
import io.berth.image.library.Tagging;
import io.berth.image.library.Verification;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/** The calls of {@link LibraryEndpoint} that name, remove and check images. */
@Singleton
final class ImageUpkeep {
  private final Tagging tagging;
  private final Verification verification;
  private final Leases leases;
  private final Schedule collector;
  private final ImageMessages messages;
  private final LibraryThreads threads;
  private final String snapshotter;

  @Inject
  ImageUpkeep(
      Tagging tagging,
      Verification verification,
      Leases leases,
      Schedule collector,
      ImageMessages messages,
      LibraryThreads threads,
      Config config) {
    this.tagging = tagging;
    this.verification = verification;
    this.leases = leases;
    this.collector = collector;
    this.messages = messages;
    this.threads = threads;
    this.snapshotter = config.snapshotter();
  }

  void tag(TagRequest request, StreamObserver<Image> responses) {
    Calls.answer(
        responses,
        () ->
            message(
                CallContext.namespace(),
                tagging.tag(CallContext.namespace(), request.getRef(), request.getName())));
  }

  void remove(RemoveRequest request, StreamObserver<RemoveResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          Tagging.Removed removed =
              tagging.remove(CallContext.namespace(), request.getRef(), request.getForce());
          collector.collect(/* wait= */ false);
          return RemoveResponse.newBuilder()
              .addAllUntagged(removed.untagged())
              .addAllDeleted(removed.deleted())
              .build();
        });
  }

  void prune(PruneRequest request, StreamObserver<PruneResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          Tagging.Pruned pruned =
              tagging.prune(
                  CallContext.namespace(), snapshotter, request.getAll(), request.getFiltersList());
          leases.dropAbandoned();
          collector.collect(/* wait= */ true);
          return PruneResponse.newBuilder()
              .addAllDeleted(pruned.deleted())
              .setBytes(pruned.bytes())
              .build();
        });
  }

  void verify(VerifyRequest request, StreamObserver<VerifyResponse> responses) {
    String namespace = CallContext.namespace();
    BlockingSender.run(
        responses,
        sender -> {
          Verification.Totals totals =
              threads.run(
                  "verify",
                  () ->
                      verification.verify(
                          namespace,
                          snapshotter,
                          request.getRef(),
                          (digest, finding) ->
                              sender.send(
                                  VerifyResponse.newBuilder()
                                      .setDigest(digest)
                                      .setFinding(finding)
                                      .build())));
          sender.send(
              VerifyResponse.newBuilder()
                  .setChecked(totals.checked())
                  .setBytes(totals.bytes())
                  .build());
        });
  }

  private Image message(String namespace, ResolvedImage image) {
    return messages.message(namespace, snapshotter, image);
  }
}
