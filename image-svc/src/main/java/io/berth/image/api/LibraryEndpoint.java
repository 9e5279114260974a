package io.berth.image.api;

import com.google.protobuf.Empty;
import io.berth.api.berth.image.v1.CheckLoginRequest;
import io.berth.api.berth.image.v1.Chunk;
import io.berth.api.berth.image.v1.CommitRequest;
import io.berth.api.berth.image.v1.Credentials;
import io.berth.api.berth.image.v1.HistoryEntry;
import io.berth.api.berth.image.v1.HistoryRequest;
import io.berth.api.berth.image.v1.HistoryResponse;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.ImportRequest;
import io.berth.api.berth.image.v1.ListRequest;
import io.berth.api.berth.image.v1.ListResponse;
import io.berth.api.berth.image.v1.LoadRequest;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PruneRequest;
import io.berth.api.berth.image.v1.PruneResponse;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.berth.image.v1.PushRequest;
import io.berth.api.berth.image.v1.RemoveRequest;
import io.berth.api.berth.image.v1.RemoveResponse;
import io.berth.api.berth.image.v1.ResolveRequest;
import io.berth.api.berth.image.v1.SaveRequest;
import io.berth.api.berth.image.v1.TagRequest;
import io.berth.api.berth.image.v1.UsageResponse;
import io.berth.api.berth.image.v1.VerifyRequest;
import io.berth.api.berth.image.v1.VerifyResponse;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.image.archive.ArchiveLoader;
import io.berth.image.build.ConfigDraft;
import io.berth.image.build.ImageBuilder;
import io.berth.image.codec.ByteSource;
import io.berth.image.gc.Schedule;
import io.berth.image.library.ResolvedImage;
import io.berth.image.library.Tagging;
import io.berth.image.library.Verification;
import io.berth.image.registry.Access;
import io.berth.image.registry.RegistryHosts;
import io.berth.image.registry.RegistryTransfer;
import io.berth.image.snapshot.SnapshotInfo;
import io.berth.image.snapshot.Snapshots;
import io.berth.image.unpack.LayerThreads;
import io.berth.oci.image.ImageConfig;
import io.berth.oci.image.ImageReference;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code berth.image.v1.Images}. */
@Singleton
public final class LibraryEndpoint extends ImagesGrpc.ImagesImplBase {
  private final LibraryParts parts;
  private final Settings settings;
  private final Schedule collector;
  private final ImageMessages messages;
  private final LayerThreads threads = new LayerThreads(16);

  /** Of the configuration. */
  public record Settings(String snapshotter, long maxImageBytes, RegistryHosts registries) {}

  @Inject
  public LibraryEndpoint(LibraryParts parts, Settings settings, Schedule collector) {
    this.parts = parts;
    this.settings = settings;
    this.collector = collector;
    this.messages = new ImageMessages(parts.library());
  }

  private Image find(String namespace, String ref, String platform) {
    return message(
        namespace, parts.library().resolve(namespace, ref, ImageMessages.platform(platform)));
  }

  private Image message(String namespace, ResolvedImage image) {
    return messages.message(namespace, settings.snapshotter, image);
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
          parts.library().list(namespace, null).stream()
              .map(image -> message(namespace, image))
              .filter(filter::matches)
              .forEach(answer::addImages);
          return answer.build();
        });
  }

  @Override
  public void tag(TagRequest request, StreamObserver<Image> responses) {
    Calls.answer(
        responses,
        () ->
            message(
                CallContext.namespace(),
                parts.tagging().tag(CallContext.namespace(), request.getRef(), request.getName())));
  }

  @Override
  public void remove(RemoveRequest request, StreamObserver<RemoveResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          Tagging.Removed removed =
              parts.tagging().remove(CallContext.namespace(), request.getRef(), request.getForce());
          collector.collect(/* wait= */ false);
          return RemoveResponse.newBuilder()
              .addAllUntagged(removed.untagged())
              .addAllDeleted(removed.deleted())
              .build();
        });
  }

  @Override
  public void history(HistoryRequest request, StreamObserver<HistoryResponse> responses) {
    Calls.answer(
        responses,
        () ->
            history(
                CallContext.namespace(),
                parts.library().resolve(CallContext.namespace(), request.getRef(), null)));
  }

  /** The newest first; every entry with a layer takes the next layer's size. */
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
        line.setCreatedAt(Wire.timestamp(created));
      }
      answer.addEntries(
          line.setCreatedBy(orEmpty(entry.createdBy())).setComment(orEmpty(entry.comment())));
    }
    return answer.build();
  }

  private long layerSize(String namespace, ResolvedImage image, String name, int index) {
    SnapshotInfo info =
        parts.snapshots().find(new Snapshots.Key(namespace, settings.snapshotter, name));
    return info == null ? image.manifest().layers().get(index).size() : info.usage().bytes();
  }

  private static String orEmpty(@Nullable String text) {
    return text == null ? "" : text;
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
              threads.run(
                  "load",
                  () ->
                      parts
                          .loader()
                          .load(
                              new ArchiveLoader.Request(
                                  namespace,
                                  settings.snapshotter,
                                  start.getName(),
                                  settings.maxImageBytes,
                                  new ProgressStream(sender)),
                              archive));
          for (String name : names) {
            Progress.Builder done = Progress.newBuilder().setStatus("done").setMessage(name);
            try {
              done.setImage(find(namespace, name, ""));
            } catch (BerthException.NotFound e) {
              done.setMessage(name + " (not for this machine's platform)");
            }
            sender.send(done.build());
          }
        });
    return requests;
  }

  @Override
  public StreamObserver<ImportRequest> import_(StreamObserver<Progress> responses) {
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
                      parts
                          .builder()
                          .importRootfs(
                              namespace,
                              settings.snapshotter,
                              draft,
                              ImageMessages.platform(start.getPlatform()),
                              archive,
                              new ProgressStream(sender)));
          sender.send(
              Progress.newBuilder().setStatus("done").setImage(message(namespace, image)).build());
        });
    return requests;
  }

  @Override
  public void save(SaveRequest request, StreamObserver<Chunk> responses) {
    String namespace = CallContext.namespace();
    BlockingSender.run(
        responses,
        sender -> {
          boolean done =
              threads.run(
                  "save",
                  () -> {
                    ChunkStream out = new ChunkStream(sender);
                    parts.saver().save(namespace, request.getRefsList(), request.getFormat(), out);
                    out.flush();
                    return true;
                  });
          assert done;
        });
  }

  @Override
  public void commit(CommitRequest request, StreamObserver<Image> responses) {
    Calls.answer(
        responses,
        () -> {
          String namespace = CallContext.namespace();
          String snapshotter =
              request.getSnapshotter().isEmpty() ? settings.snapshotter : request.getSnapshotter();
          ImageBuilder.Draft draft =
              new ImageBuilder.Draft(
                  request.getName(),
                  request.getAuthor(),
                  request.getMessage(),
                  request.getChangesList(),
                  config -> apply(request, config));
          Snapshots.Key key = new Snapshots.Key(namespace, snapshotter, request.getSnapshotKey());
          return message(
              namespace,
              threads.run(
                  "commit", () -> parts.builder().commit(key, request.getParentRef(), draft)));
        });
  }

  /** What the container was made with becomes the image's. */
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

  @Override
  public void verify(VerifyRequest request, StreamObserver<VerifyResponse> responses) {
    String namespace = CallContext.namespace();
    BlockingSender.run(
        responses,
        sender -> {
          Verification.Totals totals =
              threads.run(
                  "verify",
                  () ->
                      parts
                          .verification()
                          .verify(
                              namespace,
                              settings.snapshotter,
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

  @Override
  public void usage(Empty request, StreamObserver<UsageResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          String namespace = CallContext.namespace();
          UsageResponse.Builder answer =
              UsageResponse.newBuilder()
                  .setContentBytes(parts.content().bytes())
                  .setSnapshotBytes(parts.snapshots().bytes())
                  .setSnapshotter(settings.snapshotter)
                  .setSnapshots(parts.snapshots().count());
          List<ResolvedImage> images = parts.library().list(namespace, null);
          try {
            Set<String> used = parts.users().containersByChain(namespace).keySet();
            answer.setReclaimableBytes(
                images.stream()
                    .filter(image -> !used.contains(image.chainId()))
                    .mapToLong(
                        image -> parts.library().size(namespace, settings.snapshotter, image))
                    .sum());
          } catch (BerthException.Unavailable e) {
            answer.addWarnings("what can be reclaimed is not known: " + e.getMessage());
          }
          return answer.setImages(images.size()).build();
        });
  }

  @Override
  public void prune(PruneRequest request, StreamObserver<PruneResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          Tagging.Pruned pruned =
              parts
                  .tagging()
                  .prune(
                      CallContext.namespace(),
                      settings.snapshotter,
                      request.getAll(),
                      request.getFiltersList());
          collector.collect(/* wait= */ true);
          return PruneResponse.newBuilder()
              .addAllDeleted(pruned.deleted())
              .setBytes(pruned.bytes())
              .build();
        });
  }

  @Override
  public void pull(PullRequest request, StreamObserver<Progress> responses) {
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
                  settings.snapshotter,
                  bare(request.getRef()),
                  ImageMessages.platform(request.getPlatform()),
                  route,
                  !request.getNoUnpack(),
                  new ProgressStream(sender));
          List<String> refs =
              request.getAllTags()
                  ? threads.run("tags", () -> parts.transfer().tags(transfer))
                  : List.of(transfer.ref());
          for (String ref : refs) {
            ResolvedImage image =
                threads.run("pull", () -> parts.transfer().pull(transfer.of(ref)));
            sender.send(
                Progress.newBuilder()
                    .setStatus("done")
                    .setMessage(image.target().digest())
                    .setImage(message(namespace, image))
                    .build());
          }
        });
  }

  @Override
  public void push(PushRequest request, StreamObserver<Progress> responses) {
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
                  settings.snapshotter,
                  bare(request.getRef()),
                  null,
                  route,
                  /* unpack= */ false,
                  new ProgressStream(sender));
          var pushed = threads.run("push", () -> parts.transfer().push(transfer));
          sender.send(
              Progress.newBuilder()
                  .setStatus("done")
                  .setMessage(pushed.digest())
                  .setTotal(pushed.size())
                  .build());
        });
  }

  @Override
  public void checkLogin(CheckLoginRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () ->
            threads.run(
                "login",
                () -> {
                  parts
                      .transfer()
                      .checkLogin(
                          settings.registries.route(
                              request.getRegistry(),
                              wish(
                                  request.getCredentials(),
                                  request.getPlainHttp(),
                                  request.getInsecureTls())));
                  return Empty.getDefaultInstance();
                }));
  }

  /** A registry may be named as an address, too (RK-06). */
  private static String bare(String ref) {
    return ref.replaceFirst("^https?://", "");
  }

  private RegistryHosts.Route route(String ref, RegistryHosts.Wish wish) {
    String domain = ImageReference.of(bare(ref)).domain();
    return settings.registries.route(
        ref.substring(0, ref.length() - bare(ref).length()) + domain, wish);
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
}
