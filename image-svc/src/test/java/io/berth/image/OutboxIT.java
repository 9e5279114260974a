package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import io.berth.api.berth.event.v1.EngineEvent;
import io.berth.api.berth.event.v1.FollowRequest;
import io.berth.api.berth.event.v1.FollowResponse;
import io.berth.api.berth.event.v1.OutboxGrpc;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.ImportRequest;
import io.berth.api.berth.image.v1.LoadRequest;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PruneRequest;
import io.berth.api.berth.image.v1.RemoveRequest;
import io.berth.api.berth.image.v1.ResolveRequest;
import io.berth.api.berth.image.v1.SaveRequest;
import io.berth.api.berth.image.v1.TagRequest;
import io.berth.api.berth.volume.v1.CreateRequest;
import io.berth.api.berth.volume.v1.VolumesGrpc;
import io.berth.api.containerd.services.images.v1.CreateImageRequest;
import io.berth.api.containerd.services.images.v1.DeleteImageRequest;
import io.berth.api.containerd.services.namespaces.v1.ListNamespacesRequest;
import io.berth.api.containerd.services.namespaces.v1.ListNamespacesResponse;
import io.berth.api.containerd.services.namespaces.v1.NamespacesGrpc;
import io.berth.api.containerd.types.Envelope;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.base.rpc.UnixServer;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What happens to images and volumes is told in docker's words. What is expected here was recorded
 * from docker 20.10.
 */
@Tag("root")
final class OutboxIT {
  @RegisterExtension final ServiceExtension service = new ServiceExtension();

  private static final String ENGINE = EngineEvent.getDescriptor().getFullName();

  private Iterator<FollowResponse> outbox = List.<FollowResponse>of().iterator();

  private final EventLoops loops = new EventLoops(1);
  private @Nullable UnixServer containerd;

  /** What is removed is removed only when nothing uses it, and here nothing does. */
  @BeforeEach
  void serveNoContainers() throws Exception {
    containerd =
        UnixServer.start(
            loops,
            UnixServer.Options.of(
                service.state().resolve("containerd.sock"),
                List.of(
                    new ServiceProcess.NoContainers().bindService(),
                    new NoNamespaces().bindService())),
            List.of());
  }

  private static final class NoNamespaces extends NamespacesGrpc.NamespacesImplBase {
    @Override
    public void list(
        ListNamespacesRequest request, StreamObserver<ListNamespacesResponse> responses) {
      responses.onNext(ListNamespacesResponse.getDefaultInstance());
      responses.onCompleted();
    }
  }

  @AfterEach
  void closeContainerd() {
    Objects.requireNonNull(containerd).close();
    loops.close();
  }

  @BeforeEach
  void follow() {
    outbox =
        OutboxGrpc.newBlockingStub(service.channel())
            .withDeadlineAfter(60, TimeUnit.SECONDS)
            .follow(FollowRequest.newBuilder().setOnlyNew(true).build());
    outbox.next();
  }

  private ImagesGrpc.ImagesBlockingStub images() {
    return UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null);
  }

  private VolumesGrpc.VolumesBlockingStub volumes() {
    return UnixChannel.in(VolumesGrpc.newBlockingStub(service.channel()), "default", null);
  }

  /** The next of these events: namespace, type, action, actor and attributes. */
  private String next() {
    while (true) {
      Envelope envelope = outbox.next().getEnvelope();
      if (Anys.is(envelope.getEvent(), ENGINE)) {
        return words(envelope);
      }
    }
  }

  private static String words(Envelope envelope) {
    EngineEvent event = Anys.unpack(envelope.getEvent(), ENGINE, EngineEvent.parser());
    return envelope.getNamespace()
        + ": "
        + event.getType()
        + " "
        + event.getAction()
        + " "
        + event.getActorId()
        + " "
        + new TreeMap<>(event.getAttributesMap());
  }

  /** All of these events that a service has told until now. */
  static List<String> told(ServiceExtension service) {
    Iterator<FollowResponse> all =
        OutboxGrpc.newBlockingStub(service.channel())
            .withDeadlineAfter(60, TimeUnit.SECONDS)
            .follow(FollowRequest.getDefaultInstance());
    long last = all.next().getSequence();
    List<String> told = new ArrayList<>();
    for (long at = 0; at < last; ) {
      FollowResponse next = all.next();
      at = next.getSequence();
      if (Anys.is(next.getEnvelope().getEvent(), ENGINE)) {
        told.add(words(next.getEnvelope()));
      }
    }
    return told;
  }

  /** Loads an image of this name; answers its id. */
  private String load(String name) throws Exception {
    byte[] layer = Archives.layer().file("a", "1").tar();
    LoadAndPrepareIT.load(
        service,
        "default",
        Archives.oci(Archives.image("sh", layer), name),
        LoadRequest.getDefaultInstance());
    return images().resolve(ResolveRequest.newBuilder().setRef(name).build()).getId();
  }

  private static String event(String action, String id, String name) {
    return "default: image " + action + " " + id + " {name=" + name + "}";
  }

  @Test
  void imagesAreLoadedTaggedSavedAndRemoved() throws Exception {
    String id = load("docker.io/library/app:1");
    assertEquals(event("load", id, id), next());
    images().tag(TagRequest.newBuilder().setRef("app:1").setName("localhost/other:2").build());
    assertEquals(event("tag", id, "localhost/other:2"), next());
    images()
        .save(SaveRequest.newBuilder().addRefs("app:1").addRefs("localhost/other:2").build())
        .forEachRemaining(_ -> {});
    assertEquals(event("save", id, id), next());
    images().remove(RemoveRequest.newBuilder().setRef("localhost/other:2").build());
    assertEquals(event("untag", id, id), next());
    images().remove(RemoveRequest.newBuilder().setRef("app:1").build());
    assertEquals(event("untag", id, id), next());
    assertEquals(event("delete", id, id), next());
    load("docker.io/library/app:1");
    assertEquals(event("load", id, id), next());
    long bytes = images().prune(PruneRequest.newBuilder().setAll(true).build()).getBytes();
    assertEquals(event("untag", id, id), next());
    assertEquals(event("delete", id, id), next());
    assertEquals("default: image prune  {reclaimed=" + bytes + "}", next());
  }

  @Test
  void anImportedImageIsTagged_andHasItsLabels() throws Exception {
    CompletableFuture<String> id = new CompletableFuture<>();
    StreamObserver<ImportRequest> requests =
        UnixChannel.in(ImagesGrpc.newStub(service.channel()), "default", null)
            .import_(
                new StreamObserver<>() {
                  @Override
                  public void onNext(Progress progress) {
                    if (progress.hasImage()) {
                      id.complete(progress.getImage().getId());
                    }
                  }

                  @Override
                  public void onError(Throwable failure) {
                    id.completeExceptionally(failure);
                  }

                  @Override
                  public void onCompleted() {}
                });
    requests.onNext(
        ImportRequest.newBuilder()
            .setName("made:1")
            .addChanges("LABEL tier=web name=other")
            .setData(ByteString.copyFrom(Archives.layer().file("a", "1").tar()))
            .build());
    requests.onCompleted();
    String made = id.get(30, TimeUnit.SECONDS);
    assertEquals("default: image tag " + made + " {name=made:1, tier=web}", next());
    assertEquals("default: image import " + made + " {name=" + made + ", tier=web}", next());
  }

  /** containerd's clients give and take names, and nothing else. */
  @Test
  void namesThatContainerdsClientsGiveAreToldToo() throws Exception {
    String id = load("docker.io/library/app:1");
    assertEquals(event("load", id, id), next());
    var names =
        UnixChannel.in(
            io.berth.api.containerd.services.images.v1.ImagesGrpc.newBlockingStub(
                service.channel()),
            "default",
            null);
    var target = images().resolve(ResolveRequest.newBuilder().setRef("app:1").build()).getTarget();
    names.create(
        CreateImageRequest.newBuilder()
            .setImage(
                io.berth.api.containerd.services.images.v1.Image.newBuilder()
                    .setName("docker.io/library/more:3")
                    .setTarget(target))
            .build());
    assertEquals(event("tag", id, "more:3"), next());
    // A name may come before its content, and then it is told by what it points at.
    String nothing = "sha256:" + "1".repeat(64);
    names.create(
        CreateImageRequest.newBuilder()
            .setImage(
                io.berth.api.containerd.services.images.v1.Image.newBuilder()
                    .setName("docker.io/library/empty:1")
                    .setTarget(target.toBuilder().setDigest(nothing)))
            .build());
    assertEquals(event("tag", nothing, "empty:1"), next());
    for (String name : List.of("more:3", "empty:1", "app:1")) {
      var _ =
          names.delete(
              DeleteImageRequest.newBuilder().setName("docker.io/library/" + name).build());
    }
    List<String> told = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      told.add(next());
    }
    assertEquals(
        List.of(
            event("untag", id, id),
            event("untag", nothing, nothing),
            event("untag", id, id),
            event("delete", id, id)),
        told);
  }

  /** A volume that is there already is not made again, and nothing is told. */
  @Test
  void volumesAreMadeAndDestroyed() {
    for (String name : List.of("v1", "v1", "v2")) {
      var _ = volumes().create(CreateRequest.newBuilder().setName(name).build());
    }
    assertEquals(": volume create v1 {driver=local}", next());
    assertEquals(": volume create v2 {driver=local}", next());
    var _ =
        volumes()
            .remove(io.berth.api.berth.volume.v1.RemoveRequest.newBuilder().setName("v1").build());
    assertEquals(": volume destroy v1 {driver=local}", next());
    long bytes =
        volumes()
            .prune(io.berth.api.berth.volume.v1.PruneRequest.newBuilder().setAll(true).build())
            .getBytes();
    assertEquals(": volume destroy v2 {driver=local}", next());
    assertEquals(": volume prune  {reclaimed=" + bytes + "}", next());
  }
}
