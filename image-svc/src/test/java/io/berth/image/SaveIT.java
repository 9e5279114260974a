package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.LoadRequest;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.ResolveRequest;
import io.berth.api.berth.image.v1.SaveRequest;
import io.berth.api.berth.image.v1.TagRequest;
import io.berth.api.containerd.services.leases.v1.CreateRequest;
import io.berth.api.containerd.services.leases.v1.DeleteRequest;
import io.berth.api.containerd.services.leases.v1.LeasesGrpc;
import io.berth.base.id.Digest;
import io.berth.base.rpc.UnixChannel;
import io.berth.oci.image.Index;
import io.berth.oci.image.Platform;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Archives of images with several names or for several platforms, saved and loaded. */
@Tag("root")
final class SaveIT {
  private static final Platform HOST = Platform.host();
  private static final Platform OTHER =
      new Platform("linux", HOST.architecture().equals("s390x") ? "ppc64le" : "s390x", "");

  @RegisterExtension final ServiceExtension service = new ServiceExtension();
  private final Archives.Image mine;
  private final Archives.Image other;
  private final byte[] index;

  SaveIT() throws Exception {
    mine = Archives.image("mine", Archives.layer().file("a", "mine").tar());
    other =
        Archives.imageFor(OTHER.architecture(), "other", Archives.layer().file("a", "other").tar());
    index = Index.of(List.of(mine.manifest().on(HOST), other.manifest().on(OTHER))).bytes();
  }

  private ImagesGrpc.ImagesBlockingStub images(String namespace) {
    return UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), namespace, null);
  }

  private List<Progress> load(String namespace, byte[] archive, String... platforms)
      throws Exception {
    LoadRequest wish = LoadRequest.newBuilder().addAllPlatforms(List.of(platforms)).build();
    return LoadAndPrepareIT.load(service, namespace, archive, wish).stream()
        .filter(Progress::hasImage)
        .toList();
  }

  private byte[] save(SaveRequest.Builder request) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    images("default")
        .save(request.build())
        .forEachRemaining(chunk -> bytes.writeBytes(chunk.getData().toByteArray()));
    return bytes.toByteArray();
  }

  private static boolean holds(byte[] archive, String digest) {
    return new String(archive, StandardCharsets.ISO_8859_1)
        .contains("blobs/sha256/" + digest.substring("sha256:".length()));
  }

  private Image resolve(String namespace, Platform platform) {
    return images(namespace)
        .resolve(
            ResolveRequest.newBuilder().setRef("app:1").setPlatform(platform.toString()).build());
  }

  /** Each name is told by itself, in the order in which the names were saved. */
  @Test // case I14
  void namesOfOneImage_areToldEach() throws Exception {
    load("default", Archives.oci(mine, "b:1"));
    for (String name : List.of("a", "b:2")) {
      images("default").tag(TagRequest.newBuilder().setRef("b:1").setName(name).build());
    }
    byte[] archive = save(SaveRequest.newBuilder().addRefs("a").addRefs("b:1").addRefs("b:2"));
    List<Progress> loaded = load("fresh", archive);
    List<String> names =
        List.of("docker.io/library/a:latest", "docker.io/library/b:1", "docker.io/library/b:2");
    assertEquals(names, loaded.stream().map(Progress::getMessage).toList());
    assertEquals(names, loaded.stream().map(step -> step.getImage().getNames(0)).toList());
  }

  @Test
  void platformThatIsAsked_isSavedAlone() throws Exception {
    load("default", Archives.oci(index, "app:1", mine, other));
    byte[] usual = save(SaveRequest.newBuilder().addRefs("app:1"));
    assertTrue(holds(usual, mine.config().digest()));
    assertFalse(holds(usual, other.config().digest()));
    byte[] asked = save(SaveRequest.newBuilder().addRefs("app:1").addPlatforms(OTHER.toString()));
    assertFalse(holds(asked, mine.config().digest()));
    Image image = load("fresh", asked).getFirst().getImage();
    assertEquals(other.config().digest(), image.getId());
    assertEquals(OTHER.architecture(), image.getPlatform().getArchitecture());
    var e =
        assertThrows(
            StatusRuntimeException.class,
            () -> save(SaveRequest.newBuilder().addRefs("app:1").addPlatforms("linux/riscv64")));
    assertTrue(String.valueOf(e.getMessage()).startsWith("NOT_FOUND: "), e.getMessage());
  }

  @Test
  void severalPlatforms_areSavedWithTheirIndex() throws Exception {
    load("default", Archives.oci(index, "app:1", mine, other));
    SaveRequest.Builder both =
        SaveRequest.newBuilder()
            .addRefs("app:1")
            .addPlatforms(OTHER.toString())
            .addPlatforms(HOST.toString());
    load("fresh", save(both));
    assertEquals(mine.config().digest(), resolve("fresh", HOST).getId());
    assertEquals(other.config().digest(), resolve("fresh", OTHER).getId());
    assertEquals(Digest.sha256(index).toString(), resolve("fresh", HOST).getTarget().getDigest());
    var e = assertThrows(StatusRuntimeException.class, () -> save(both.setFormat("docker")));
    assertTrue(
        String.valueOf(e.getMessage()).startsWith("INVALID_ARGUMENT: save as"), e.getMessage());
  }

  /** What is loaded later takes nothing away that is here. */
  @Test
  void platformThatIsLoadedLater_leavesTheOther() throws Exception {
    byte[] archive = Archives.oci(index, "app:1", mine, other);
    load("default", archive);
    load("default", archive, OTHER.toString());
    var leases = UnixChannel.in(LeasesGrpc.newBlockingStub(service.channel()), "default", null);
    leases.create(CreateRequest.newBuilder().setId("collect").build());
    leases.delete(DeleteRequest.newBuilder().setId("collect").setSync(true).build());
    assertEquals(mine.config().digest(), resolve("default", HOST).getId());
    assertEquals(other.config().digest(), resolve("default", OTHER).getId());
  }

  @Test
  void platformThatIsAsked_isLoadedAndUnpacked() throws Exception {
    byte[] archive = Archives.oci(index, "app:1", mine, other);
    load("default", archive, OTHER.toString());
    Image image = resolve("default", OTHER);
    assertEquals(other.config().digest(), image.getId());
    // Unpacked, it has the size of its files; packed, that of its layers.
    assertEquals(0, image.getSize() % 512, () -> "" + image.getSize());
    var e =
        assertThrows(StatusRuntimeException.class, () -> load("fresh", archive, "linux/riscv64"));
    String message = String.valueOf(e.getMessage());
    assertTrue(
        message.startsWith(
            "INVALID_ARGUMENT: load archive: it has no image for platform linux/riscv64"),
        message);
  }
}
