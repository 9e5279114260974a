package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.container.v1.User;
import io.berth.api.berth.image.v1.LookUpUserRequest;
import io.berth.api.berth.image.v1.PrepareRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.containerd.types.Mount;
import io.berth.base.id.AccountFiles;
import io.berth.base.rpc.UnixChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Who a user is by the files that a container has inside. */
@Tag("root")
final class AccountsIT {
  @RegisterExtension final ServiceExtension service = new ServiceExtension("");
  @TempDir Path folder;

  private RootfsGrpc.RootfsBlockingStub rootfs() {
    return UnixChannel.in(RootfsGrpc.newBlockingStub(service.channel()), "default", null);
  }

  /** Files of users that are larger than any honest one are refused, not read in part. */
  @Test // case S18
  void lookUpUser_inHugeFiles_isRefused() throws Exception {
    Path etc = Files.createDirectory(folder.resolve("etc"));
    LookUpUserRequest request =
        LookUpUserRequest.newBuilder().setRootfs(folder.toString()).setUser("u").build();
    String line = "u:x:7:8::/:/bin/sh\n";
    Files.writeString(
        etc.resolve("passwd"), line + "\n".repeat(AccountFiles.MAX_BYTES - line.length()));
    assertEquals(List.of(8), rootfs().lookUpUser(request).getUser().getGroupsList());
    Files.writeString(etc.resolve("passwd"), "\n", StandardOpenOption.APPEND);
    var large = assertThrows(StatusRuntimeException.class, () -> rootfs().lookUpUser(request));
    assertTrue(
        String.valueOf(large.getMessage())
            .startsWith(
                "FAILED_PRECONDITION: look up a user: /etc/passwd is larger than 4194304 bytes"),
        large.getMessage());
  }

  /**
   * What is mounted over the files that list users is what counts, and it can lead nowhere else.
   */
  @Test // case L6
  void lookUpUser_readsWhatTheMountsLeave() throws Exception {
    Path etc = Files.createDirectory(folder.resolve("etc"));
    Path passwd = Files.writeString(etc.resolve("passwd"), "ann:x:7:8::/:/bin/sh\n");
    Path group = Files.writeString(etc.resolve("group"), "more:x:9:ann\nextra:x:10:\n");
    byte[] layer =
        Archives.layer()
            .directory("etc/", 0755, 0)
            .file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
            .tar();
    LoadAndPrepareIT.load(service, Archives.oci(Archives.image("sh", layer), "app:1"), "");
    PrepareRequest withoutUser =
        PrepareRequest.newBuilder()
            .setRef("app:1")
            .setKey("mounted")
            .setUser("ann")
            .setWithoutUser(true)
            .build();
    assertFalse(rootfs().prepare(withoutUser).hasUser());
    assertEquals("7 8 [8, 9, 10]", lookUp("ann", "extra", bind("/etc", etc)));
    assertEquals(
        "7 8 [8, 9, 10]",
        lookUp("ann", "extra", bind("/etc/passwd", passwd), bind("/etc/group", group)));
    assertEquals("user ann", unknown("ann", "0"));
    assertEquals("group extra", unknown("ann", "extra", bind("/etc/passwd", passwd)));
    Mount empty = Mount.newBuilder().setType("tmpfs").setTarget("/etc").build();
    assertEquals("user root", unknown("root", "0", empty));
    assertEquals("0 0 [0]", lookUp("0", "0", empty));

    Path outside = Files.writeString(folder.resolve("outside"), "ann:x:1:1::/:/bin/sh\n");
    Path links = Files.createDirectory(folder.resolve("links"));
    Files.createSymbolicLink(links.resolve("passwd"), outside);
    assertEquals("user ann", unknown("ann", "0", bind("/etc", links)));
    Files.delete(passwd);
    assertEquals(0, new ProcessBuilder("mkfifo", passwd.toString()).start().waitFor());
    assertEquals("user ann", unknown("ann", "0", bind("/etc", etc)));
    assertEquals("user ann", unknown("ann", "0", bind("/etc/passwd", passwd)));
  }

  private String unknown(String user, String more, Mount... mounts) {
    var refused =
        assertThrows(StatusRuntimeException.class, () -> lookUp(user, more, mounts)).getStatus();
    assertEquals(Status.Code.INVALID_ARGUMENT, refused.getCode(), refused.toString());
    return String.valueOf(refused.getDescription())
        .replaceAll("unable to find (.*): no matching entries in .*", "$1");
  }

  private static Mount bind(String target, Path source) {
    return Mount.newBuilder()
        .setType("bind")
        .setSource(source.toString())
        .setTarget(target)
        .addAllOptions(List.of("rbind", "ro"))
        .build();
  }

  private String lookUp(String user, String more, Mount... mounts) {
    User found =
        rootfs()
            .lookUpUser(
                LookUpUserRequest.newBuilder()
                    .setKey("mounted")
                    .setUser(user)
                    .addGroups(more)
                    .addAllMounts(List.of(mounts))
                    .build())
            .getUser();
    return found.getUid() + " " + found.getGid() + " " + found.getGroupsList();
  }
}
