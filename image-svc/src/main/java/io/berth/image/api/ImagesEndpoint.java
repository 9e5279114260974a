package io.berth.image.api;

import com.google.protobuf.Empty;
import io.berth.api.containerd.services.images.v1.CreateImageRequest;
import io.berth.api.containerd.services.images.v1.CreateImageResponse;
import io.berth.api.containerd.services.images.v1.DeleteImageRequest;
import io.berth.api.containerd.services.images.v1.GetImageRequest;
import io.berth.api.containerd.services.images.v1.GetImageResponse;
import io.berth.api.containerd.services.images.v1.Image;
import io.berth.api.containerd.services.images.v1.ImagesGrpc;
import io.berth.api.containerd.services.images.v1.ListImagesRequest;
import io.berth.api.containerd.services.images.v1.ListImagesResponse;
import io.berth.api.containerd.services.images.v1.UpdateImageRequest;
import io.berth.api.containerd.services.images.v1.UpdateImageResponse;
import io.berth.base.filter.Filter;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.Timestamps;
import io.berth.image.gc.Schedule;
import io.berth.image.library.ImageChronicle;
import io.berth.image.library.Tagging;
import io.berth.image.name.ImageNames;
import io.berth.image.name.NamedImage;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;

/** {@code containerd.services.images.v1.Images}. */
@Singleton
public final class ImagesEndpoint extends ImagesGrpc.ImagesImplBase {
  private final ImageNames names;
  private final Tagging tagging;
  private final ImageChronicle chronicle;
  private final Schedule collector;

  @Inject
  public ImagesEndpoint(
      ImageNames names, Tagging tagging, ImageChronicle chronicle, Schedule collector) {
    this.names = names;
    this.tagging = tagging;
    this.chronicle = chronicle;
    this.collector = collector;
  }

  @Override
  public void get(GetImageRequest request, StreamObserver<GetImageResponse> responses) {
    Calls.answer(
        responses,
        () ->
            GetImageResponse.newBuilder()
                .setImage(message(names.get(CallContext.namespace(), request.getName())))
                .build());
  }

  @Override
  public void list(ListImagesRequest request, StreamObserver<ListImagesResponse> responses) {
    Calls.answer(
        responses,
        () ->
            ListImagesResponse.newBuilder()
                .addAllImages(
                    names
                        .list(CallContext.namespace(), Filter.of(request.getFiltersList()))
                        .stream()
                        .map(ImagesEndpoint::message)
                        .toList())
                .build());
  }

  @Override
  public void create(CreateImageRequest request, StreamObserver<CreateImageResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          NamedImage made =
              names.create(
                  CallContext.namespace(),
                  draft(request.getImage()),
                  request.hasSourceDateEpoch()
                      ? Timestamps.instant(request.getSourceDateEpoch())
                      : null,
                  CallContext.lease());
          chronicle.tagged(CallContext.namespace(), made.name());
          return CreateImageResponse.newBuilder().setImage(message(made)).build();
        });
  }

  @Override
  public void update(UpdateImageRequest request, StreamObserver<UpdateImageResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          NamedImage before = names.find(CallContext.namespace(), request.getImage().getName());
          NamedImage now =
              names.update(
                  CallContext.namespace(),
                  maskedDraft(request),
                  request.getUpdateMask().getPathsList(),
                  request.hasSourceDateEpoch()
                      ? Timestamps.instant(request.getSourceDateEpoch())
                      : null);
          if (before == null || !before.target().digest().equals(now.target().digest())) {
            chronicle.tagged(CallContext.namespace(), now.name());
          }
          return UpdateImageResponse.newBuilder().setImage(message(now)).build();
        });
  }

  /** A request that changes labels only may leave the target out. */
  private static ImageNames.Draft maskedDraft(UpdateImageRequest request) {
    Image image = request.getImage();
    if (!image.getTarget().getDigest().isEmpty()
        || request.getUpdateMask().getPathsList().isEmpty()
        || request.getUpdateMask().getPathsList().contains("target")) {
      return draft(image);
    }
    return new ImageNames.Draft(
        image.getName(),
        image.getLabelsMap(),
        new io.berth.oci.image.Descriptor(
            "",
            "sha256:" + "0".repeat(64),
            0,
            null,
            image.getTarget().getAnnotationsMap(),
            null,
            List.of()));
  }

  @Override
  public void delete(DeleteImageRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          tagging.untag(
              CallContext.namespace(),
              request.getName(),
              request.hasTarget() ? request.getTarget().getDigest() : null,
              CallContext.lease());
          collector.collect(request.getSync());
          return Empty.getDefaultInstance();
        });
  }

  private static ImageNames.Draft draft(Image image) {
    return new ImageNames.Draft(
        image.getName(), image.getLabelsMap(), Wire.descriptor(image.getTarget()));
  }

  private static Image message(NamedImage image) {
    return Image.newBuilder()
        .setName(image.name())
        .putAllLabels(image.labels())
        .setTarget(Wire.descriptor(image.target()))
        .setCreatedAt(Timestamps.of(image.created()))
        .setUpdatedAt(Timestamps.of(image.updated()))
        .build();
  }
}
