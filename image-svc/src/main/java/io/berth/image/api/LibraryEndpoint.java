package io.berth.image.api;

import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.ListRequest;
import io.berth.api.berth.image.v1.ListResponse;
import io.berth.api.berth.image.v1.LoadRequest;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.ResolveRequest;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.image.archive.ArchiveLoader;
import io.berth.image.codec.ByteSource;
import io.berth.image.library.ImageLibrary;
import io.berth.image.unpack.LayerThreads;
import io.grpc.stub.StreamObserver;
import java.util.List;

/** {@code berth.image.v1.Images}. */
public final class LibraryEndpoint extends ImagesGrpc.ImagesImplBase {
  private final ImageLibrary library;
  private final ArchiveLoader loader;
  private final Settings settings;
  private final ImageMessages messages;

  /** Of the configuration. */
  public record Settings(String snapshotter, long maxImageBytes) {}

  public LibraryEndpoint(ImageLibrary library, ArchiveLoader loader, Settings settings) {
    this.library = library;
    this.loader = loader;
    this.settings = settings;
    this.messages = new ImageMessages(library);
  }

  private Image find(String namespace, String ref, String platform) {
    return messages.message(
        namespace,
        settings.snapshotter,
        library.resolve(namespace, ref, ImageMessages.platform(platform)));
  }

  @Override
  public void resolve(ResolveRequest request, StreamObserver<Image> responses) {
    Calls.answer(
        responses, () -> find(CallContext.namespace(), request.getRef(), request.getPlatform()));
  }

  @Override
  public void list(ListRequest request, StreamObserver<ListResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          String namespace = CallContext.namespace();
          ImageFilter filter = ImageFilter.of(request.getFiltersList(), request.getName());
          ListResponse.Builder answer = ListResponse.newBuilder();
          library.list(namespace, null).stream()
              .map(image -> messages.message(namespace, settings.snapshotter, image))
              .filter(filter::matches)
              .forEach(answer::addImages);
          return answer.build();
        });
  }

  @Override
  public StreamObserver<LoadRequest> load(StreamObserver<Progress> responses) {
    String namespace = CallContext.namespace();
    RequestStream<LoadRequest> requests = new RequestStream<>(responses);
    BlockingSender.run(
        responses,
        sender -> {
          LoadRequest first = requests.next();
          LoadRequest start = first == null ? LoadRequest.getDefaultInstance() : first;
          ByteSource archive = new StreamedBytes<>(requests, LoadRequest::getData, start.getData());
          List<String> names =
              new LayerThreads(1)
                  .run(
                      "load",
                      () ->
                          loader.load(
                              new ArchiveLoader.Request(
                                  namespace,
                                  settings.snapshotter,
                                  start.getName(),
                                  settings.maxImageBytes,
                                  new ProgressStream(sender)),
                              archive));
          for (String name : names) {
            sender.send(
                Progress.newBuilder()
                    .setStatus("done")
                    .setMessage(name)
                    .setImage(find(namespace, name, ""))
                    .build());
          }
        });
    return requests;
  }
}
