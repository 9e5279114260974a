package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.PrepareRequest;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.berth.volume.v1.CreateRequest;
import io.berth.api.berth.volume.v1.ListRequest;
import io.berth.api.berth.volume.v1.Source;
import io.berth.api.berth.volume.v1.Volume;
import io.berth.api.berth.volume.v1.VolumesGrpc;
import io.berth.base.rpc.UnixChannel;
import io.berth.base.tar.TarEntry;
import io.berth.linux.FileTimestamp;
import io.berth.linux.RootedFiles;
import io.berth.testing.Eventually;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What an image has at the path of a volume goes into the volume, once. */
@Tag("root")
final class VolumeFillingIT {
  @RegisterExtension final ServiceExtension service = new ServiceExtension();
  @TempDir Path folder;

  private VolumesGrpc.VolumesBlockingStub volumes() {
    return UnixChannel.in(VolumesGrpc.newBlockingStub(service.channel()), "default", null);
  }

  private Volume create(String name, String path) {
    return volumes().create(request(name, path));
  }

  private static CreateRequest request(String name, String path) {
    return CreateRequest.newBuilder()
        .setName(name)
        .setSource(Source.newBuilder().setSnapshotKey("c1").setPath(path))
        .build();
  }

  private static void prepare(ManagedChannel channel) {
    var _ =
        UnixChannel.in(RootfsGrpc.newBlockingStub(channel), "default", null)
            .prepare(PrepareRequest.newBuilder().setRef("v:1").setKey("c1").setUser("0").build());
  }

  private void image() throws Exception {
    byte[] base =
        Archives.layer()
            .directory("etc/", 0755, 0)
            .file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
            .directory("data/", 01770, 33)
            .file("data/gone", "below")
            .file("data/kept", "below")
            .directory("data/in/", 0700, 34)
            .tar();
    byte[] upper =
        Archives.layer()
            .file("data/.wh.gone", "")
            .entry(
                new TarEntry(
                    "data/in/own",
                    TarEntry.Type.FILE,
                    04751,
                    5,
                    6,
                    0,
                    new FileTimestamp(1_500_000_000, 7),
                    "",
                    0,
                    0,
                    Map.of("user.mark", "x".getBytes(StandardCharsets.UTF_8))))
            .link("data/hard", TarEntry.Type.HARD_LINK, "data/in/own")
            .link("data/soft", TarEntry.Type.SYMBOLIC_LINK, "/etc/passwd")
            .link("v", TarEntry.Type.SYMBOLIC_LINK, "/data")
            .tar();
    LoadAndPrepareIT.load(service, Archives.oci(Archives.image("sh", base, upper), "v:1"), "");
    prepare(service.channel());
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void emptyVolume_getsWhatTheImageShows() throws Exception {
    image();
    // The path leads over a link, as an image may have one in place of the folder.
    Path data = Path.of(create("own", "/v").getPath());
    assertEquals(List.of("hard", "in", "kept", "soft"), names(data));
    assertEquals(01770, (int) Files.getAttribute(data, "unix:mode") & 07777);
    assertEquals(33, Files.getAttribute(data, "unix:uid"));
    Path own = data.resolve("in/own");
    assertEquals(04751, (int) Files.getAttribute(own, "unix:mode") & 07777);
    assertEquals(5, Files.getAttribute(own, "unix:uid"));
    assertEquals(6, Files.getAttribute(own, "unix:gid"));
    assertEquals(
        Files.getAttribute(own, "unix:ino"), Files.getAttribute(data.resolve("hard"), "unix:ino"));
    assertEquals(1_500_000_000, Files.getLastModifiedTime(own).toInstant().getEpochSecond());
    assertEquals(34, Files.getAttribute(data.resolve("in"), "unix:uid"));
    assertEquals("/etc/passwd", Files.readSymbolicLink(data.resolve("soft")).toString());
    try (RootedFiles files = RootedFiles.open(data, RootedFiles.Confinement.BENEATH)) {
      assertArrayEquals(
          "x".getBytes(StandardCharsets.UTF_8), files.attribute("in/own", "user.mark"));
    }
    assertEquals(List.of("_data"), names(data.getParent()));
  }

  @Test
  void volumeWithSomething_staysAsItIs() throws Exception {
    image();
    Path data = Path.of(create("own", "/data").getPath());
    Files.delete(data.resolve("kept"));
    var _ = create("own", "/data");
    assertEquals(List.of("hard", "in", "soft"), names(data));
    // Without a source nothing is copied.
    Path none =
        Path.of(volumes().create(CreateRequest.newBuilder().setName("none").build()).getPath());
    assertEquals(List.of(), names(none));
    assertEquals(List.of(), names(Path.of(create("nothing", "/not/there").getPath())));
  }

  @Test
  void placeThatIsAFile_isRefused_andNoVolumeIsMade() throws Exception {
    image();
    for (String name : List.of("", "own")) {
      var e = assertThrows(StatusRuntimeException.class, () -> create(name, "/etc/passwd"));
      assertEquals(
          "INVALID_ARGUMENT: cannot mount volume over existing file, file exists `/etc/passwd`",
          String.valueOf(e.getMessage()).replaceFirst(": invalid argument$", ""));
    }
    assertEquals(0, volumes().list(ListRequest.getDefaultInstance()).getVolumesCount());
  }

  /** The folders are laid out as a crash in either half of the filling leaves them. */
  @Test
  void halves_areThrownAwayOrGoneOnWith() throws Exception {
    image();
    Path part =
        Path.of(volumes().create(CreateRequest.newBuilder().setName("part").build()).getPath());
    Path whole =
        Path.of(volumes().create(CreateRequest.newBuilder().setName("whole").build()).getPath());
    service.stop();
    Files.writeString(
        Files.createDirectory(part.resolveSibling("_filling.3")).resolve("kept"), "be");
    Path rest = Files.createDirectory(whole.resolveSibling("_filling"));
    Files.setAttribute(rest, "unix:uid", 33);
    Files.writeString(rest.resolve("second"), "2");
    Files.writeString(whole.resolve("first"), "1");
    service.start();
    assertEquals(List.of(), names(part));
    assertEquals(List.of("_data"), names(part.getParent()));
    assertEquals(List.of("first", "second"), names(whole));
    assertEquals(33, Files.getAttribute(whole, "unix:uid"));
    assertEquals(List.of("_data"), names(whole.getParent()));
    var _ = create("part", "/data");
    assertEquals(List.of("hard", "in", "kept", "soft"), names(part));
  }

  @Test
  void serviceKilledInTheMiddle_fillsAgain() throws Exception {
    int count = 6000;
    Archives.Layer layer =
        Archives.layer()
            .directory("etc/", 0755, 0)
            .file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
            .directory("data/", 0755, 0);
    for (int i = 0; i < count; i++) {
      layer.file("data/f" + i, "content " + i);
    }
    try (FakeRegistry registry = FakeRegistry.plain();
        ServiceProcess process = new ServiceProcess(folder)) {
      registry.image("1", Archives.image("sh", layer.tar()));
      pull(process.channel(), registry);
      String name = killedWhileFilling(process, count / 10);
      process.restart();
      Path data = folder.resolve("root/volumes").resolve(name).resolve("_data");
      assertEquals(List.of(), names(data));
      assertEquals(List.of("_data"), names(data.getParent()));
      var _ =
          UnixChannel.in(VolumesGrpc.newBlockingStub(process.channel()), "default", null)
              .create(request(name, "/data"));
      assertEquals(count, names(data).size());
    }
  }

  /**
   * Kills the service while it fills a volume, and answers the volume's name. On a busy machine the
   * kill may come too late; then it is tried again.
   */
  private String killedWhileFilling(ServiceProcess process, int after) throws Exception {
    for (int attempt = 0; attempt < 5; attempt++) {
      String name = "big" + attempt;
      var filling =
          CompletableFuture.runAsync(() -> {
            try {
              var _ =
                  UnixChannel.in(VolumesGrpc.newBlockingStub(process.channel()), "default", null)
                      .create(request(name, "/data"));
            } catch (StatusRuntimeException e) {
              // The service was killed, as it is meant to be.
              assertTrue(e.getMessage() != null);
            }
          });
      Path volume = folder.resolve("root/volumes").resolve(name);
      Eventually.holds(
          "a part of the volume was filled",
          () -> filling.isDone() || Files.exists(volume.resolve("_filling.1/f" + after)));
      process.kill();
      filling.join();
      if (names(volume.resolve("_data")).isEmpty()) {
        return name;
      }
      process.restart();
    }
    throw new AssertionError("always killed too late");
  }

  private static void pull(ManagedChannel channel, FakeRegistry registry) {
    UnixChannel.in(ImagesGrpc.newBlockingStub(channel), "default", null)
        .pull(PullRequest.newBuilder().setRef(registry.ref("1")).build())
        .forEachRemaining(_ -> {});
    var _ =
        UnixChannel.in(RootfsGrpc.newBlockingStub(channel), "default", null)
            .prepare(
                PrepareRequest.newBuilder()
                    .setRef(registry.ref("1"))
                    .setKey("c1")
                    .setUser("0")
                    .build());
  }
}
