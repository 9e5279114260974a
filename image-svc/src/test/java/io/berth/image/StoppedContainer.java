package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import io.berth.api.berth.image.v1.ArchiveRequest;
import io.berth.api.berth.image.v1.DiffRequest;
import io.berth.api.berth.image.v1.ExtractRequest;
import io.berth.api.berth.image.v1.ExtractResponse;
import io.berth.api.berth.image.v1.PrepareRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.berth.image.v1.StatPathRequest;
import io.berth.api.containerd.types.Mount;
import io.berth.base.rpc.UnixChannel;
import io.berth.base.tar.TarEntry;
import io.berth.testing.Eventually;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/** A container that is not running, by the name {@code c}, in the service under test. */
final class StoppedContainer {
  private final ServiceExtension service;

  StoppedContainer(ServiceExtension service) {
    this.service = service;
  }

  RootfsGrpc.RootfsBlockingStub rootfs() {
    return UnixChannel.in(RootfsGrpc.newBlockingStub(service.channel()), "default", null);
  }

  /** Loads an image of two layers and prepares the container's files. */
  void prepare() throws Exception {
    byte[] lower =
        Archives.layer()
            .directory("data/", 0755, 0)
            .file("data/below", "image")
            .directory("etc/", 0755, 0)
            .file("etc/conf", "image")
            .link("toVolume", TarEntry.Type.SYMBOLIC_LINK, "/vol")
            .link("toRoot", TarEntry.Type.SYMBOLIC_LINK, "/")
            .link("up", TarEntry.Type.SYMBOLIC_LINK, "../../../../..")
            .link("dangling", TarEntry.Type.SYMBOLIC_LINK, "/not/yet")
            .tar();
    byte[] upper = Archives.layer().file("etc/upper", "u").tar();
    LoadAndPrepareIT.load(service, Archives.oci(Archives.image("sh", lower, upper), "app:1"), "");
    rootfs().prepare(PrepareRequest.newBuilder().setRef("app:1").setKey("c").setUser("0").build());
  }

  /**
   * Fails if something is left mounted, be it in this process, where the service runs as well, or
   * on its folder.
   */
  void assertNothingIsLeftMounted() throws Exception {
    assertEquals(List.of(), mountsOfTheService(Path.of("/proc/self/mountinfo")));
    try (var files = Files.list(service.root().resolve("stage"))) {
      assertEquals(List.of(), files.toList());
    }
  }

  List<String> mountsOfTheService(Path table) throws IOException {
    return Files.readAllLines(table).stream()
        .filter(line -> line.contains(service.folder().toString()))
        .toList();
  }

  static Mount bind(Path source, String target, String... options) {
    return Mount.newBuilder()
        .setType("bind")
        .setSource(source.toString())
        .setTarget(target)
        .addOptions("rbind")
        .addAllOptions(List.of(options))
        .build();
  }

  static Mount tmpfs(String target) {
    return Mount.newBuilder().setType("tmpfs").setSource("tmpfs").setTarget(target).build();
  }

  /** Reads a path as an archive: names with contents, of links what they lead to. */
  Map<String, String> read(String path, Mount... mounts) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    rootfs()
        .archive(
            ArchiveRequest.newBuilder()
                .setKey("c")
                .setPath(path)
                .addAllMounts(List.of(mounts))
                .build())
        .forEachRemaining(chunk -> bytes.writeBytes(chunk.getData().toByteArray()));
    Map<String, String> result = new TreeMap<>();
    try (var tar = new TarArchiveInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        result.put(
            entry.getName(),
            entry.isSymbolicLink() || entry.isLink()
                ? "-> " + entry.getLinkName()
                : new String(tar.readAllBytes(), StandardCharsets.UTF_8));
      }
    }
    return result;
  }

  String stat(String path, Mount... mounts) {
    return rootfs()
        .statPath(
            StatPathRequest.newBuilder()
                .setKey("c")
                .setPath(path)
                .addAllMounts(List.of(mounts))
                .build())
        .getName();
  }

  /** An extraction whose requests go on until {@link #end} is called. */
  final class Extraction {
    final CompletableFuture<Long> answer = new CompletableFuture<>();
    final StreamObserver<ExtractRequest> requests;

    Extraction(ExtractRequest first) {
      requests =
          UnixChannel.in(RootfsGrpc.newStub(service.channel()), "default", null)
              .extract(
                  new StreamObserver<>() {
                    @Override
                    public void onNext(ExtractResponse response) {
                      answer.complete(response.getEntries());
                    }

                    @Override
                    public void onError(Throwable failure) {
                      answer.completeExceptionally(failure);
                    }

                    @Override
                    public void onCompleted() {}
                  });
      requests.onNext(first);
    }

    long end() throws Exception {
      requests.onCompleted();
      try {
        return answer.get(30, TimeUnit.SECONDS);
      } catch (ExecutionException e) {
        throw (Exception) e.getCause();
      }
    }
  }

  static ExtractRequest.Builder writing(String path, byte[] tar, Mount... mounts) {
    return ExtractRequest.newBuilder()
        .setKey("c")
        .setPath(path)
        .setData(ByteString.copyFrom(tar))
        .addAllMounts(List.of(mounts));
  }

  void write(String path, String name, Mount... mounts) throws Exception {
    byte[] tar = Archives.layer().file(name, "new").tar();
    assertEquals(1, new Extraction(writing(path, tar, mounts).build()).end());
  }

  String refused(String path, String name, boolean readOnly, Mount... mounts) throws Exception {
    byte[] tar = Archives.layer().file(name, "new").tar();
    ExtractRequest request = writing(path, tar, mounts).setReadOnlyRootfs(readOnly).build();
    var e = assertThrows(StatusRuntimeException.class, () -> new Extraction(request).end());
    String message = String.valueOf(e.getMessage());
    assertFalse(message.contains("\n"), message);
    assertFalse(message.contains(service.folder().toString()), message);
    return message;
  }

  /** The paths that the container itself has changed. */
  List<String> changes() {
    List<String> lines = new ArrayList<>();
    rootfs()
        .diff(DiffRequest.newBuilder().setKey("c").build())
        .forEachRemaining(change -> lines.add(change.getPath()));
    return lines;
  }

  /** Waits until one of the service's threads has mounted the container for itself. */
  void awaitAssembled() throws InterruptedException {
    Eventually.holds("the container's files were mounted", this::isAssembled);
  }

  private boolean isAssembled() throws IOException {
    try (var tasks = Files.list(Path.of("/proc/self/task"))) {
      for (Path task : tasks.toList()) {
        try {
          if (mountsOfTheService(task.resolve("mountinfo")).stream()
              .anyMatch(line -> line.contains("/stage/root"))) {
            return true;
          }
        } catch (IOException e) {
          // That thread has ended meanwhile.
        }
      }
    }
    return false;
  }
}
