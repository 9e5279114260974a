package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.ExecProcessRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.WaitRequest;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.base.error.LaunchFailure;
import io.berth.base.error.LaunchFailure.Kind;
import io.berth.base.id.TaskKey;
import io.berth.base.json.Json;
import io.berth.base.rpc.Anys;
import io.berth.linux.Errno;
import io.grpc.StatusException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A launch that the kernel refuses, from its supervisor to the client of a shim. */
@Tag("root")
final class RefusedLaunchIT {
  private static final int ENGINE = 125;

  @RegisterExtension final TestShimProcess shims = new TestShimProcess();

  private static BerthException failure(Executable call) {
    return ErrorCodec.fromCall(assertThrows(StatusException.class, call));
  }

  private static void is(LaunchFailure expected, int code, BerthException failure) {
    assertEquals(expected, failure.detail(), failure.getMessage());
    assertEquals(code, LaunchFailure.exitCode(failure, ENGINE));
  }

  private BerthException create(ObjectNode spec) {
    return failure(() -> shims.create(shims.key(), spec));
  }

  /** Programs whose names are words that tell failures apart elsewhere. */
  private void makeFiles() throws Exception {
    Path bin = shims.rootfs().resolve("bin");
    Files.writeString(bin.resolve("permission denied"), "\0\1\2");
    Files.setPosixFilePermissions(
        bin.resolve("permission denied"), PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.writeString(bin.resolve("executable file not found"), "text\n");
    Files.createDirectories(shims.rootfs().resolve("no such file or directory"));
  }

  @ParameterizedTest
  @CsvSource({
    "no-such-program, PROGRAM_NOT_FOUND, ENOENT, 127",
    "/no/such, PROGRAM_NOT_FOUND, ENOENT, 127",
    "/etc/passwd/x, PROGRAM_NOT_FOUND, ENOTDIR, 127",
    "/etc/not-a-program, PROGRAM_NOT_EXECUTABLE, EACCES, 126",
    "/etc, PROGRAM_IS_DIRECTORY, EISDIR, 126",
    "/no such file or directory, PROGRAM_IS_DIRECTORY, EISDIR, 126",
    "executable file not found, PROGRAM_NOT_EXECUTABLE, EACCES, 126",
    "/x/permission denied, PROGRAM_NOT_FOUND, ENOENT, 127",
    "is a directory, PROGRAM_NOT_FOUND, ENOENT, 127",
  })
  void aProgramIsLookedUpBeforeTheStartAndInAnExec(String program, Kind kind, Errno errno, int code)
      throws Exception {
    makeFiles();
    LaunchFailure expected = new LaunchFailure(kind, program, errno);
    BerthException created = create(shims.spec(program));
    assertEquals(BerthException.Unknown.class, created.getClass());
    is(expected, code, created);

    BerthException execed = exec((ObjectNode) shims.spec(program).get("process"));
    assertEquals(BerthException.Unknown.class, execed.getClass());
    is(expected, code, execed);
    // Neither says an id, for the client has given none that a person knows.
    assertEquals(created.getMessage(), execed.getMessage());
    assertTrue(created.getMessage().startsWith("exec: \"" + program + "\": "), program);
    assertEquals(List.of(), shims.leftovers());
  }

  /** What the start of such a process in a container that runs says; the container goes. */
  private BerthException exec(ObjectNode process) throws Exception {
    TaskKey key = shims.key();
    shims.create(key, shims.spec("sleep", "100"));
    var task = shims.task(key);
    task.start(StartRequest.newBuilder().setId(key.id()).build());
    task.exec(
        ExecProcessRequest.newBuilder()
            .setId(key.id())
            .setExecId("e")
            .setSpec(Anys.of(Anys.PROCESS, ByteString.copyFrom(Json.bytes(process))))
            .build());
    BerthException failure =
        failure(() -> task.start(StartRequest.newBuilder().setId(key.id()).setExecId("e").build()));
    task.delete(DeleteRequest.newBuilder().setId(key.id()).setExecId("e").build());
    task.kill(KillRequest.newBuilder().setId(key.id()).setSignal(9).build());
    task.wait(WaitRequest.newBuilder().setId(key.id()).build());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
    return failure;
  }

  @Test
  void whatTheKernelCannotExecuteFailsTheStart() throws Exception {
    makeFiles();
    LaunchFailure expected =
        new LaunchFailure(Kind.PROGRAM_FORMAT_UNKNOWN, "/bin/permission denied", Errno.ENOEXEC);
    TaskKey key = shims.key();
    shims.create(key, shims.spec("/bin/permission denied"));
    var task = shims.task(key);
    BerthException failure =
        failure(() -> task.start(StartRequest.newBuilder().setId(key.id()).build()));
    assertEquals("exec: \"/bin/permission denied\": exec format error", failure.getMessage());
    is(expected, 126, failure);
    task.wait(WaitRequest.newBuilder().setId(key.id()).build());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());

    is(expected, 126, exec((ObjectNode) shims.spec("/bin/permission denied").get("process")));
    assertEquals(List.of(), shims.leftovers());
  }

  /** Filters under which the process can neither say a word nor end in the usual way. */
  @ParameterizedTest // case S12
  @CsvSource({
    "SCMP_ACT_ERRNO, 1, true",
    "SCMP_ACT_ERRNO, 1, false",
    "SCMP_ACT_ERRNO, 0, true",
    "SCMP_ACT_ERRNO, 4, false",
    "SCMP_ACT_KILL_PROCESS, 0, true",
    "SCMP_ACT_KILL_THREAD, 0, false",
    "SCMP_ACT_TRAP, 0, true",
  })
  void aFilterThatAllowsNothing_failsTheLaunch(String action, int errno, boolean last)
      throws Exception {
    ObjectNode spec = shims.spec("true");
    ObjectNode seccomp = spec.withObject("/linux").putObject("seccomp");
    seccomp.put("defaultAction", action).putArray("architectures").add("SCMP_ARCH_X86_64");
    if (action.equals("SCMP_ACT_ERRNO")) {
      seccomp.put("defaultErrnoRet", errno);
    }
    spec.withObject("/process").put("noNewPrivileges", last);
    TaskKey key = shims.key();
    BerthException refused;
    if (last) {
      shims.create(key, spec);
      var task = shims.task(key);
      refused = failure(() -> task.start(StartRequest.newBuilder().setId(key.id()).build()));
      task.wait(WaitRequest.newBuilder().setId(key.id()).build());
      task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
    } else {
      refused = failure(() -> shims.create(key, spec));
    }
    assertEquals(
        "seccomp filter: it forbids a call without which no program starts", refused.getMessage());
    assertEquals(ENGINE, LaunchFailure.exitCode(refused, ENGINE));
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void anArchitectureThatIsNone_isRefusedByName() { // case S13
    ObjectNode spec = shims.spec("true");
    ObjectNode seccomp = spec.withObject("/linux").putObject("seccomp");
    seccomp.put("defaultAction", "SCMP_ACT_ALLOW").putArray("architectures").add("SCMP_ARCH_VAX");
    BerthException refused = create(spec);
    assertEquals(BerthException.InvalidArgument.class, refused.getClass());
    assertTrue(refused.getMessage().contains("`SCMP_ARCH_VAX`"), refused.getMessage());
  }

  /** The path that a person gave says nothing of where a link of the image's leads it. */
  @ParameterizedTest // case S13
  @CsvSource({"/a, bind", "/a/sys, bind", "/a/sys, tmpfs", "/b/self/attr, bind"})
  void aMountThatALinkLeadsIntoProc(String target, String type) throws Exception {
    Files.createSymbolicLink(shims.rootfs().resolve("a"), Path.of("/proc"));
    Files.createSymbolicLink(shims.rootfs().resolve("b"), Path.of("./x/../a"));
    Files.createDirectory(shims.rootfs().resolve("x"));
    ObjectNode spec = shims.spec("true");
    ArrayNode mounts = (ArrayNode) spec.get("mounts");
    String source = type.equals("bind") ? "/tmp" : type;
    TestShimProcess.mount(mounts, target, type, source, type.equals("bind") ? "bind" : "ro");
    BerthException refused = create(spec);
    assertEquals(
        "mount `"
            + source
            + "` on `"
            + target
            + "`: a link leads it into /proc, which steers the kernel; choose another place",
        refused.getMessage());
    assertEquals(List.of(), shims.leftovers());
  }

  @Test // case L11
  void aWorkingFolderOfAnExec() throws Exception {
    for (String folder : List.of("/nosuch", "/etc/passwd")) {
      ObjectNode process = ((ObjectNode) shims.spec("true").get("process")).put("cwd", folder);
      BerthException refused = exec(process);
      assertEquals(126, LaunchFailure.exitCodeOfExec(refused, 1), refused.getMessage());
      assertEquals(
          "working directory `"
              + folder
              + (folder.equals("/nosuch") ? "`: no such file or directory" : "`: not a directory"),
          refused.getMessage());
    }
  }

  @Test // case L17
  void wishesAreRefusedInTheWordsOfWhoeverHadThem() {
    ObjectNode file = shims.spec("true");
    String passwd = shims.rootfs() + "/etc/passwd";
    TestShimProcess.mount((ArrayNode) file.get("mounts"), "/etc", "bind", passwd, "bind");
    assertEquals(
        "mount `" + passwd + "` on `/etc`: a file cannot be mounted on a folder",
        create(file).getMessage());
    ObjectNode folder = shims.spec("true");
    TestShimProcess.mount((ArrayNode) folder.get("mounts"), "/etc/passwd", "bind", "/tmp", "bind");
    assertEquals(
        "mount `/tmp` on `/etc/passwd`: the target is a file, or lies below one; a folder needs a"
            + " folder",
        create(folder).getMessage());
    ObjectNode memory = shims.spec("true");
    TestShimProcess.mount((ArrayNode) memory.get("mounts"), "/etc/passwd", "tmpfs", "tmpfs");
    assertEquals(
        "mount `tmpfs` on `/etc/passwd`: the target is a file, or lies below one; a folder needs a"
            + " folder",
        create(memory).getMessage());
    ObjectNode limit = shims.spec("true");
    ((ObjectNode) limit.get("process"))
        .putArray("rlimits")
        .addObject()
        .put("type", "RLIMIT_NOFILE")
        .put("soft", 20)
        .put("hard", 10);
    assertEquals(
        "rlimit `RLIMIT_NOFILE`: the soft limit is above the hard one", create(limit).getMessage());
    ObjectNode user = shims.spec("true");
    user.withObject("/linux").withArray("namespaces").addObject().put("type", "user");
    for (String map : List.of("uidMappings", "gidMappings")) {
      ObjectNode mapping = user.withObject("/linux").putArray(map).addObject();
      mapping.put("containerID", 0).put("hostID", 100000).put("size", 65536);
    }
    user.withObject("/process").putObject("user").put("uid", 70000).put("gid", 0);
    assertEquals("user `70000:0`: the user namespace does not map it", create(user).getMessage());
  }

  @Test
  void aWorkingFolderThatCannotBeEntered() throws Exception {
    ObjectNode spec = shims.spec("true");
    ((ObjectNode) spec.get("process")).put("cwd", "/etc/passwd");
    is(
        new LaunchFailure(Kind.WORKING_DIRECTORY_REFUSED, "/etc/passwd", Errno.ENOTDIR),
        ENGINE,
        create(spec));
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void optionsAndMountsWithWordsOfOtherFailures() {
    ObjectNode sysctl = shims.spec("true");
    ((ObjectNode) sysctl.get("linux"))
        .putObject("sysctl")
        .put("net.no such file or directory", "1");
    BerthException refused = create(sysctl);
    assertEquals(
        "sysctl `net.no such file or directory=1`: no such file or directory",
        refused.getMessage());
    assertTrue(refused.detail() instanceof LaunchFailure, refused.getMessage());
    assertEquals(Kind.OPTION_REFUSED, ((LaunchFailure) refused.detail()).kind());
    assertEquals(ENGINE, LaunchFailure.exitCode(refused, ENGINE));

    ObjectNode mount = shims.spec("true");
    String source = "/nowhere/permission denied";
    TestShimProcess.mount((ArrayNode) mount.get("mounts"), "/tmp/x", "bind", source, "rbind");
    BerthException absent = create(mount);
    assertEquals(BerthException.InvalidArgument.class, absent.getClass());
    is(new LaunchFailure(Kind.MOUNT_REFUSED, source, Errno.ENOENT), ENGINE, absent);

    ObjectNode file = shims.spec("true");
    TestShimProcess.mount(
        (ArrayNode) file.get("mounts"), "/etc", "bind", shims.rootfs() + "/etc/passwd", "bind");
    BerthException crossed = create(file);
    is(new LaunchFailure(Kind.MOUNT_REFUSED, "/etc", Errno.EISDIR), ENGINE, crossed);
  }
}
