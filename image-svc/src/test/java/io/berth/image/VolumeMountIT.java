package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.image.v1.PrepareRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.berth.volume.v1.CreateRequest;
import io.berth.api.berth.volume.v1.ListRequest;
import io.berth.api.berth.volume.v1.MountRequest;
import io.berth.api.berth.volume.v1.Source;
import io.berth.api.berth.volume.v1.Volume;
import io.berth.api.berth.volume.v1.VolumesGrpc;
import io.berth.base.rpc.UnixChannel;
import io.berth.image.volume.VolumeStore;
import io.berth.linux.MountInfo;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Volumes that were made of a file system or of a folder of the host. */
@Tag("root")
final class VolumeMountIT {
  @RegisterExtension final ServiceExtension service = new ServiceExtension();
  @TempDir Path folder;

  private VolumesGrpc.VolumesBlockingStub volumes() {
    return UnixChannel.in(VolumesGrpc.newBlockingStub(service.channel()), "default", null);
  }

  private Volume create(String name, String type, String device, String words) {
    return volumes()
        .create(
            CreateRequest.newBuilder()
                .setName(name)
                .putAllOptions(Map.of("type", type, "device", device, "o", words))
                .build());
  }

  private boolean mount(String name) {
    return volumes().mount(MountRequest.newBuilder().setName(name).build()).getMounted();
  }

  private void unmount(String name) {
    var _ = volumes().unmount(MountRequest.newBuilder().setName(name).build());
  }

  private static List<MountInfo> mounts(Volume volume) throws IOException {
    String path = Path.of(volume.getPath()).toRealPath().toString();
    return MountInfo.ofSelf().stream().filter(mount -> mount.target().equals(path)).toList();
  }

  @AfterEach
  void unmountAll() {
    volumes()
        .list(ListRequest.getDefaultInstance())
        .getVolumesList()
        .forEach(volume -> unmount(volume.getName()));
  }

  @Test
  void aFileSystem_isMountedOnce() throws Exception {
    Volume volume = create("t", "tmpfs", "tmpfs", "size=1m,mode=0750,noexec");
    assertEquals(List.of(), mounts(volume));
    assertTrue(mount("t"));
    Files.writeString(Path.of(volume.getPath()).resolve("kept"), "x");
    assertTrue(mount("t"));
    MountInfo one = mounts(volume).getFirst();
    assertEquals(1, mounts(volume).size());
    assertEquals("tmpfs", one.type());
    assertTrue(one.options().contains("noexec"), one::toString);
    assertTrue(one.superOptions().contains("size=1024k"), one::toString);
    assertTrue(Files.exists(Path.of(volume.getPath()).resolve("kept")));
    unmount("t");
    assertEquals(List.of(), mounts(volume));
    unmount("t");
  }

  @Test
  void aFolderOfTheHost_isMountedAsItWasAskedFor() throws Exception {
    Files.writeString(folder.resolve("mine"), "x");
    Volume volume = create("b", "none", folder.toString(), "bind,ro");
    assertTrue(mount("b"));
    assertEquals("x", Files.readString(Path.of(volume.getPath()).resolve("mine")));
    assertTrue(mounts(volume).getFirst().options().contains("ro"));
  }

  @Test
  void aFolderOfTheHost_isNeverRemovedWithTheVolume(@TempDir Path root) throws Exception {
    Files.writeString(folder.resolve("mine"), "x");
    try (Stores stores = new Stores(root)) {
      VolumeStore store =
          new VolumeStore(stores.paths, stores.metadata, stores.trash, () -> Map.of());
      Map<String, String> options =
          Map.of("type", "none", "device", folder.toString(), "o", "bind");
      Path data = store.create("b", true, Map.of(), "local", options).path();
      assertTrue(store.mount("b"));
      assertTrue(Files.exists(data.resolve("mine")));
      store.remove("b", /* force= */ false);
      // Should a power cut bring the folder back, it is known that it is nobody's.
      boolean noted =
          stores.metadata.read(
              query -> query.exists("SELECT 1 FROM removed_volume WHERE name = 'b'"));
      assertTrue(noted);
      stores.trash.flush();
      assertFalse(Files.exists(data));
      assertEquals("x", Files.readString(folder.resolve("mine")));
    }
  }

  @Test
  void whatCannotBeMounted_isToldInALine() {
    var _ = create("no", "none", folder.resolve("missing").toString(), "bind");
    StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> mount("no"));
    assertEquals(Code.FAILED_PRECONDITION, e.getStatus().getCode());
    assertTrue(e.getMessage().contains("mount volume `no`"), e::getMessage);
    assertEquals(1, e.getMessage().lines().count());
    var _ = create("odd", "tmpfs", "tmpfs", "nonsense=1");
    e = assertThrows(StatusRuntimeException.class, () -> mount("odd"));
    assertEquals(Code.FAILED_PRECONDITION, e.getStatus().getCode());
  }

  @Test
  void aVolumeThatIsAFolder_isNotMounted() {
    var _ = volumes().create(CreateRequest.newBuilder().setName("f").build());
    assertFalse(mount("f"));
    assertEquals(
        Code.NOT_FOUND,
        assertThrows(StatusRuntimeException.class, () -> mount("none")).getStatus().getCode());
  }

  // As docker's: an empty folder of the host gets what the image has there, and no mount stays.
  @Test
  void anEmptyFolderOfTheHost_isFilled() throws Exception {
    byte[] layer =
        Archives.layer()
            .directory("etc/", 0755, 0)
            .file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
            .directory("data/", 01770, 33)
            .file("data/kept", "of the image")
            .tar();
    LoadAndPrepareIT.load(service, Archives.oci(Archives.image("sh", layer), "v:1"), "");
    var _ =
        UnixChannel.in(RootfsGrpc.newBlockingStub(service.channel()), "default", null)
            .prepare(PrepareRequest.newBuilder().setRef("v:1").setKey("c1").setUser("0").build());
    Volume volume = create("b", "none", folder.toString(), "bind");
    CreateRequest filled =
        CreateRequest.newBuilder()
            .setName("b")
            .setSource(Source.newBuilder().setSnapshotKey("c1").setPath("/data"))
            .build();
    var _ = volumes().create(filled);
    assertEquals("of the image", Files.readString(folder.resolve("kept")));
    assertEquals(33, Files.getAttribute(folder, "unix:uid"));
    assertEquals(List.of(), mounts(volume));
    try (Stream<Path> own = Files.list(Path.of(volume.getPath()))) {
      assertEquals(0, own.count());
    }
    Files.delete(folder.resolve("kept"));
    Files.writeString(folder.resolve("mine"), "x");
    var _ = volumes().create(filled);
    assertFalse(Files.exists(folder.resolve("kept")));
  }
}
