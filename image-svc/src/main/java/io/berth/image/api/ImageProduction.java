package io.berth.image.api;

import io.berth.api.berth.image.v1.Chunk;
import io.berth.api.berth.image.v1.CommitRequest;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImportRequest;
import io.berth.api.berth.image.v1.LoadRequest;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.SaveRequest;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.image.archive.ArchiveLoader;
import io.berth.image.archive.ArchiveSaver;
import io.berth.image.build.ConfigDraft;
import io.berth.image.build.ImageBuilder;
import io.berth.image.codec.ByteSource;
import io.berth.image.library.ImageLibrary;
import io.berth.image.library.ResolvedImage;
import io.berth.image.snapshot.Snapshots;
import io.berth.oci.image.Platform;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;

/**
 * The calls of {@link LibraryEndpoint} that make images of archives and containers, and archives of
 * images.
 */
@Singleton
final class ImageProduction {
  private static final Logger LOG = System.getLogger(ImageProduction.class.getName());

  private final ArchiveLoader loader;
  private final ArchiveSaver saver;
  private final ImageBuilder builder;
  private final ImageLibrary library;
  private final ImageMessages messages;
  private final LibraryThreads threads;
  private final String snapshotter;
  private final long maxImageBytes;

  @Inject
  ImageProduction(
      ArchiveLoader loader,
      ArchiveSaver saver,
      ImageBuilder builder,
      ImageLibrary library,
      ImageMessages messages,
      LibraryThreads threads,
      Config config) {
    this.loader = loader;
    this.saver = saver;
    this.builder = builder;
    this.library = library;
    this.messages = messages;
    this.threads = threads;
    this.snapshotter = config.snapshotter();
    this.maxImageBytes = config.number(Key.IMAGE_MAX_IMAGE_BYTES);
  }

  StreamObserver<LoadRequest> load(StreamObserver<Progress> responses) {
    String namespace = CallContext.namespace();
    RequestStream<LoadRequest> requests = new RequestStream<>(responses);
    BlockingSender.run(
        responses,
        sender -> {
          LoadRequest first = requests.next();
          LoadRequest start = first == null ? LoadRequest.getDefaultInstance() : first;
          ByteSource archive = new StreamedBytes<>(requests, LoadRequest::getData, start.getData());
          List<String> names =
              threads.run(
                  "load",
                  () ->
                      loader.load(
                          new ArchiveLoader.Request(
                              namespace,
                              snapshotter,
                              start.getName(),
                              start.getPlatformsList().stream().map(Platform::of).toList(),
                              maxImageBytes,
                              new ProgressStream(sender)),
                          archive));
          for (String name : names) {
            Progress.Builder done = Progress.newBuilder().setStatus("done").setMessage(name);
            try {
              ResolvedImage image = library.resolve(namespace, name, null);
              done.setImage(message(namespace, image.under(name)));
            } catch (BerthException.NotFound e) {
              LOG.log(Level.DEBUG, "`{0}` was loaded without any of its images", name);
            }
            sender.send(done.build());
          }
        });
    return requests;
  }

  StreamObserver<ImportRequest> import_(StreamObserver<Progress> responses) {
    String namespace = CallContext.namespace();
    RequestStream<ImportRequest> requests = new RequestStream<>(responses);
    BlockingSender.run(
        responses,
        sender -> {
          ImportRequest first = requests.next();
          ImportRequest start = first == null ? ImportRequest.getDefaultInstance() : first;
          ByteSource archive =
              new StreamedBytes<>(requests, ImportRequest::getData, start.getData());
          ImageBuilder.Draft draft =
              new ImageBuilder.Draft(
                  start.getName(), "", start.getMessage(), start.getChangesList(), _ -> {});
          ResolvedImage image =
              threads.run(
                  "import",
                  () ->
                      builder.importRootfs(
                          namespace,
                          snapshotter,
                          draft,
                          ImageMessages.platform(start.getPlatform()),
                          archive,
                          new ProgressStream(sender)));
          sender.send(
              Progress.newBuilder().setStatus("done").setImage(message(namespace, image)).build());
        });
    return requests;
  }

  void save(SaveRequest request, StreamObserver<Chunk> responses) {
    String namespace = CallContext.namespace();
    BlockingSender.run(
        responses,
        sender -> {
          boolean done =
              threads.run(
                  "save",
                  () -> {
                    ChunkStream out = new ChunkStream(sender);
                    saver.save(
                        namespace,
                        request.getRefsList(),
                        request.getPlatformsList().stream().map(Platform::of).toList(),
                        request.getFormat(),
                        out);
                    out.flush();
                    return true;
                  });
          assert done;
        });
  }

  void commit(CommitRequest request, StreamObserver<Image> responses) {
    Calls.answer(
        responses,
        () -> {
          String namespace = CallContext.namespace();
          String chosen =
              request.getSnapshotter().isEmpty() ? snapshotter : request.getSnapshotter();
          ImageBuilder.Draft draft =
              new ImageBuilder.Draft(
                  request.getName(),
                  request.getAuthor(),
                  request.getMessage(),
                  request.getChangesList(),
                  config -> apply(request, config));
          Snapshots.Key key = new Snapshots.Key(namespace, chosen, request.getSnapshotKey());
          return message(
              namespace,
              threads.run("commit", () -> builder.commit(key, request.getParentRef(), draft)));
        });
  }

  /** Puts the settings that the container was made with into the image's configuration. */
  private static void apply(CommitRequest request, ConfigDraft draft) {
    if (!request.hasConfig()) {
      return;
    }
    var config = request.getConfig();
    draft
        .text("User", config.getUser())
        .text("WorkingDir", config.getWorkingDir())
        .text("StopSignal", config.getStopSignal())
        .labels(config.getLabelsMap())
        .members("ExposedPorts", config.getExposedPortsList());
    if (config.getEnvCount() > 0) {
      draft.list("Env", config.getEnvList());
    }
    if (config.getEntrypointSet() || config.getEntrypointCount() > 0) {
      draft.list("Entrypoint", config.getEntrypointList());
    }
    if (config.getCmdCount() > 0) {
      draft.list("Cmd", config.getCmdList());
    }
  }

  private Image message(String namespace, ResolvedImage image) {
    return messages.message(namespace, snapshotter, image);
  }
}
