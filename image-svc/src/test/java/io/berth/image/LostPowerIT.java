package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.image.v1.CommitRequest;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.MountsRequest;
import io.berth.api.berth.image.v1.PrepareRequest;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.berth.image.v1.TagRequest;
import io.berth.api.berth.image.v1.VerifyRequest;
import io.berth.api.berth.volume.v1.CreateRequest;
import io.berth.api.berth.volume.v1.VolumesGrpc;
import io.berth.api.containerd.services.images.v1.ListImagesRequest;
import io.berth.base.rpc.UnixChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What is promised to be there after a power cut has all that it stands on, also right after a
 * pull, whose own records are of the boot they were made in.
 */
@Tag("root")
final class LostPowerIT {
  @RegisterExtension final ServiceExtension service = new ServiceExtension();

  private ImagesGrpc.ImagesBlockingStub images() {
    return UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null);
  }

  private RootfsGrpc.RootfsBlockingStub rootfs() {
    return UnixChannel.in(RootfsGrpc.newBlockingStub(service.channel()), "default", null);
  }

  private VolumesGrpc.VolumesBlockingStub volumes() {
    return UnixChannel.in(VolumesGrpc.newBlockingStub(service.channel()), "default", null);
  }

  private String pull(FakeRegistry registry) {
    String ref = registry.ref("1");
    images().pull(PullRequest.newBuilder().setRef(ref).build()).forEachRemaining(_ -> {});
    return ref;
  }

  private void prepare(String ref, String key, boolean ephemeral) {
    var _ =
        rootfs()
            .prepare(
                PrepareRequest.newBuilder()
                    .setRef(ref)
                    .setKey(key)
                    .setUser("0")
                    .setEphemeral(ephemeral)
                    .build());
  }

  /** The service starts in another boot: what it has recorded for this one counts no more. */
  private void losePower() throws Exception {
    service.stop();
    String file = "jdbc:sqlite:" + service.root().resolve("image.db");
    try (Connection database = DriverManager.getConnection(file)) {
      for (String table : List.of("content", "snapshot", "image")) {
        forget(database, table);
      }
    }
    service.start();
  }

  /** Its record is gone for ever, and the name of its folder was not yet. */
  @Test
  void aNewVolumeHasNothingOfARemovedOne() throws Exception {
    CreateRequest request = CreateRequest.newBuilder().setName("v").build();
    Path folder = Path.of(volumes().create(request).getPath());
    for (int cut = 0; cut < 2; cut++) {
      service.stop();
      // As VolumeStore.remove leaves it.
      execute("INSERT OR IGNORE INTO removed_volume VALUES ('v')", "DELETE FROM volume");
      Files.writeString(Files.createDirectories(folder).resolve("old"), "data");
      service.start();
      assertFalse(Files.exists(folder), "the folder of no volume");
    }
    assertEquals(folder, Path.of(volumes().create(request).getPath()));
    assertFalse(Files.exists(folder.resolve("old")), "what the removed one had");
    Files.writeString(folder.resolve("new"), "data");
    service.stop();
    service.start();
    assertTrue(Files.exists(folder.resolve("new")), "what the new one had");
  }

  /** A database that was lost is no reason to lose what was never in it. */
  @Test
  void aVolumeOfWhichNothingIsRecordedKeepsItsFiles() throws Exception {
    CreateRequest request = CreateRequest.newBuilder().setName("v").build();
    Path folder = Path.of(volumes().create(request).getPath());
    Files.writeString(folder.resolve("kept"), "data");
    service.stop();
    execute("DELETE FROM volume");
    service.start();
    assertTrue(Files.exists(folder.resolve("kept")));
    assertEquals(folder, Path.of(volumes().create(request).getPath()));
    assertTrue(Files.exists(folder.resolve("kept")));
  }

  private void execute(String... lines) throws SQLException {
    try (Connection database =
            DriverManager.getConnection("jdbc:sqlite:" + service.root().resolve("image.db"));
        Statement statement = database.createStatement()) {
      for (String line : lines) {
        statement.execute(line);
      }
    }
  }

  private static void forget(Connection database, String table) throws SQLException {
    try (Statement statement = database.createStatement()) {
      statement.execute("UPDATE " + table + " SET boot = 'another' WHERE boot IS NOT NULL");
    }
  }

  private static Archives.Image image() throws Exception {
    return Archives.image(
        "sh", Archives.layer().file("a", "1").tar(), Archives.layer().file("b", "2").tar());
  }

  private void isWhole(String ref) {
    images()
        .verify(VerifyRequest.newBuilder().setRef(ref).build())
        .forEachRemaining(found -> assertEquals("", found.getFinding()));
  }

  @Test
  void aContainerHasItsLayers() throws Exception {
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image())) {
      prepare(pull(registry), "c", /* ephemeral= */ false);
    }
    losePower();
    String options =
        String.join(
            ",",
            rootfs()
                .mounts(MountsRequest.newBuilder().setKey("c").build())
                .getMounts(0)
                .getOptionsList());
    String lower = options.replaceAll(".*lowerdir=([^,]*).*", "$1");
    assertEquals(3, lower.split(":").length, options);
    for (String folder : lower.split(":")) {
      assertTrue(Files.isDirectory(Path.of(folder)), folder);
    }
  }

  @Test
  void aPulledNameGoesWithItsContent() throws Exception {
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image())) {
      var _ = pull(registry);
    }
    losePower();
    var names =
        UnixChannel.in(
            io.berth.api.containerd.services.images.v1.ImagesGrpc.newBlockingStub(
                service.channel()),
            "default",
            null);
    assertEquals(0, names.list(ListImagesRequest.getDefaultInstance()).getImagesCount());
  }

  /** Its name is there already, so a power cut does not take it along with what it names now. */
  @Test
  void aNameThatIsPulledAgainHasItsImage() throws Exception {
    Archives.Image other = Archives.image("sh", Archives.layer().file("c", "3").tar());
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image())) {
      String ref = pull(registry);
      var _ = images().tag(TagRequest.newBuilder().setRef(ref).setName("kept:1").build());
      losePower();
      registry.image("1", other);
      assertEquals(ref, pull(registry));
      losePower();
      isWhole(ref);
    }
  }

  @Test
  void aNameHasItsImage() throws Exception {
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image())) {
      var _ =
          images().tag(TagRequest.newBuilder().setRef(pull(registry)).setName("kept:1").build());
    }
    losePower();
    isWhole("kept:1");
    prepare("kept:1", "c", /* ephemeral= */ false);
  }

  @Test
  void aCommittedImageHasTheLayersBelow() throws Exception {
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image())) {
      String ref = pull(registry);
      prepare(ref, "c", /* ephemeral= */ true);
      var _ =
          images()
              .commit(
                  CommitRequest.newBuilder()
                      .setSnapshotKey("c")
                      .setParentRef(ref)
                      .setName("kept:1")
                      .build());
    }
    losePower();
    isWhole("kept:1");
    prepare("kept:1", "d", /* ephemeral= */ false);
  }
}
