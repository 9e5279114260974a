package io.berth.image.api;

import com.google.protobuf.Empty;
import io.berth.api.berth.image.v1.HistoryEntry;
import io.berth.api.berth.image.v1.HistoryRequest;
import io.berth.api.berth.image.v1.HistoryResponse;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ListRequest;
import io.berth.api.berth.image.v1.ListResponse;
import io.berth.api.berth.image.v1.NamespacesResponse;
import io.berth.api.berth.image.v1.ResolveRequest;
import io.berth.api.berth.image.v1.UsageResponse;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.Timestamps;
import io.berth.image.content.ContentStore;
import io.berth.image.library.ImageLibrary;
import io.berth.image.library.ResolvedImage;
import io.berth.image.library.Users;
import io.berth.image.meta.Metadata;
import io.berth.image.snapshot.SnapshotInfo;
import io.berth.image.snapshot.Snapshots;
import io.berth.oci.image.ImageConfig;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The calls of {@link LibraryEndpoint} that only look at what is here. */
@Singleton
final class ImageQueries {
  private final ImageLibrary library;
  private final Users users;
  private final ContentStore content;
  private final Snapshots snapshots;
  private final Metadata metadata;
  private final ImageMessages messages;
  private final String snapshotter;

  @Inject
  ImageQueries(
      ImageLibrary library,
      Users users,
      ContentStore content,
      Snapshots snapshots,
      Metadata metadata,
      ImageMessages messages,
      Config config) {
    this.library = library;
    this.users = users;
    this.content = content;
    this.snapshots = snapshots;
    this.metadata = metadata;
    this.messages = messages;
    this.snapshotter = config.snapshotter();
  }

  void resolve(ResolveRequest request, StreamObserver<Image> responses) {
    Calls.answer(
        responses,
        () ->
            message(
                CallContext.namespace(),
                library.resolve(
                    CallContext.namespace(),
                    request.getRef(),
                    ImageMessages.platform(request.getPlatform()))));
  }

  void list(ListRequest request, StreamObserver<ListResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          String namespace = CallContext.namespace();
          ImageFilter filter =
              ImageFilter.of(
                  request.getFiltersList(),
                  request.getName(),
                  ref -> library.resolve(namespace, ref, null).config().createdAt());
          ListResponse.Builder answer = ListResponse.newBuilder();
          library.list(namespace, null).stream()
              .map(image -> message(namespace, image))
              .filter(filter::matches)
              .forEach(answer::addImages);
          return answer.build();
        });
  }

  void history(HistoryRequest request, StreamObserver<HistoryResponse> responses) {
    Calls.answer(
        responses,
        () ->
            history(
                CallContext.namespace(),
                library.resolve(CallContext.namespace(), request.getRef(), null)));
  }

  /**
   * The entries of the history, the newest first; each entry that has a layer takes the size of the
   * next layer.
   */
  private HistoryResponse history(String namespace, ResolvedImage image) {
    List<ImageConfig.History> entries = image.config().history();
    List<String> chain = image.chain();
    HistoryResponse.Builder answer = HistoryResponse.newBuilder();
    int layer = chain.size() - 1;
    for (ImageConfig.History entry : entries.reversed()) {
      HistoryEntry.Builder line = HistoryEntry.newBuilder().setId("<missing>");
      if (answer.getEntriesCount() == 0) {
        line.setId(image.id()).addAllNames(message(namespace, image).getNamesList());
      }
      if (!entry.emptyLayer() && layer >= 0) {
        line.setSize(layerSize(namespace, image, chain.get(layer), layer));
        layer--;
      }
      Instant created = ImageConfig.instant(entry.created());
      if (created != null) {
        line.setCreatedAt(Timestamps.of(created));
      }
      answer.addEntries(
          line.setCreatedBy(orEmpty(entry.createdBy())).setComment(orEmpty(entry.comment())));
    }
    return answer.build();
  }

  private long layerSize(String namespace, ResolvedImage image, String name, int index) {
    SnapshotInfo info = snapshots.find(new Snapshots.Key(namespace, snapshotter, name));
    return info == null ? image.manifest().layers().get(index).size() : info.usage().bytes();
  }

  void namespaces(StreamObserver<NamespacesResponse> responses) {
    Calls.answer(
        responses,
        () -> NamespacesResponse.newBuilder().addAllNamespaces(metadata.namespaces()).build());
  }

  private static String orEmpty(@Nullable String text) {
    return text == null ? "" : text;
  }

  void usage(Empty request, StreamObserver<UsageResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          String namespace = CallContext.namespace();
          UsageResponse.Builder answer =
              UsageResponse.newBuilder()
                  .setContentBytes(content.bytes())
                  .setSnapshotBytes(snapshots.bytes())
                  .setSnapshotter(snapshotter)
                  .setSnapshots(snapshots.count());
          List<ResolvedImage> images = library.list(namespace, null);
          try {
            Set<String> used = users.containersByChain(namespace).keySet();
            answer.setReclaimableBytes(
                images.stream()
                    .filter(image -> !used.contains(image.chainId()))
                    .mapToLong(image -> library.size(namespace, snapshotter, image))
                    .sum());
          } catch (BerthException.Unavailable e) {
            answer.addWarnings("what can be reclaimed is not known: " + e.getMessage());
          }
          return answer.setImages(images.size()).build();
        });
  }

  private Image message(String namespace, ResolvedImage image) {
    return messages.message(namespace, snapshotter, image);
  }
}
