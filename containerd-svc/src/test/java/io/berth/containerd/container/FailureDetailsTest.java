package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.api.berth.container.v1.ExecCreateRequest;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.api.berth.container.v1.KillRequest;
import io.berth.api.berth.container.v1.PauseRequest;
import io.berth.api.berth.container.v1.RemoveRequest;
import io.berth.api.berth.container.v1.UnpauseRequest;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.base.error.LaunchFailure;
import io.berth.base.error.LaunchFailure.Kind;
import io.berth.base.error.Obstacle;
import io.berth.base.error.Obstacle.Reason;
import io.berth.linux.Errno;
import io.grpc.StatusRuntimeException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a client may know of a failure beside its text, and what is recorded of it. */
final class FailureDetailsTest extends ContainerCalls {
  private static BerthException failure(Executable call) {
    return ErrorCodec.fromCall(assertThrows(StatusRuntimeException.class, call));
  }

  private static void refused(Reason reason, String name, Executable call) {
    assertEquals(Obstacle.of(reason, Obstacle.Kind.CONTAINER, name), failure(call).detail());
  }

  @ParameterizedTest
  @CsvSource({
    "nowhere, PROGRAM_NOT_FOUND, nowhere, ENOENT, 127",
    "permission denied, PROGRAM_NOT_FOUND, permission denied, ENOENT, 127",
    "/etc/motd, PROGRAM_NOT_EXECUTABLE, /etc/motd, EACCES, 126",
    "/no such file or directory, PROGRAM_NOT_EXECUTABLE, /no such file or directory, EACCES, 126",
    "/etc, PROGRAM_IS_DIRECTORY, /etc, EISDIR, 126",
    "/bin/arm, PROGRAM_FORMAT_UNKNOWN, /bin/arm, ENOEXEC, 126",
    "/bin/permission denied, PROGRAM_REFUSED, /bin/permission denied, ETXTBSY, 128",
    "executable file not found, ENGINE_FAILED, no such file or directory, EINVAL, 128",
    "a, USER_REFUSED, no such file or directory, UNKNOWN, 128",
    "b, OPTION_REFUSED, net.permission denied, ENOENT, 128",
    "c, HOOK_FAILED, /bin/hook, ENOENT, 128",
    "d, MOUNT_REFUSED, /gone, ENOENT, 128",
    "f, WORKING_DIRECTORY_REFUSED, /etc/passwd, ENOTDIR, 128",
    "e, WORKING_DIRECTORY_REFUSED, /secret, EACCES, 126",
  })
  void theCodeOfALaunchThatFailedIsRecorded(
      String program, Kind kind, String object, Errno errno, int code) {
    LaunchFailure refusal = new LaunchFailure(kind, object, errno);
    instance.hosts.refusals.put(program, refusal);
    create("bad", program);
    assertEquals(refusal, failure(() -> begin("bad")).detail());
    assertEquals(
        code, stub().get(GetRequest.newBuilder().setRef("bad").build()).getState().getExitCode());
  }

  @Test
  void whatIsInTheWayIsNamed() {
    String id = create("web", "sleep");
    BerthException taken = failure(() -> create("web", "sleep"));
    assertEquals(BerthException.AlreadyExists.class, taken.getClass());
    assertEquals(
        Obstacle.of(Reason.NAME_TAKEN, Obstacle.Kind.CONTAINER, "web")
            .heldBy(Obstacle.Kind.CONTAINER, id),
        taken.detail());
    refused(
        Reason.CONTAINER_NOT_RUNNING,
        "web",
        () -> stub().kill(KillRequest.newBuilder().setRef("web").build()));
    refused(
        Reason.CONTAINER_NOT_RUNNING,
        "web",
        () -> stub().pause(PauseRequest.newBuilder().setRef("web").build()));
    begin("web");
    refused(
        Reason.CONTAINER_RUNNING,
        "web",
        () -> stub().remove(RemoveRequest.newBuilder().setRef(id).build()));
    refused(
        Reason.CONTAINER_NOT_PAUSED,
        "web",
        () -> stub().unpause(UnpauseRequest.newBuilder().setRef(id).build()));
    var _ = stub().pause(PauseRequest.newBuilder().setRef("web").build());
    refused(
        Reason.CONTAINER_PAUSED,
        "web",
        () -> stub().pause(PauseRequest.newBuilder().setRef(id).build()));
    refused(
        Reason.CONTAINER_PAUSED,
        "web",
        () -> stub().execCreate(ExecCreateRequest.newBuilder().setRef(id).addCmd("x").build()));
    refused(Reason.CONTAINER_PAUSED, "web", () -> begin(id));
    assertNull(failure(() -> begin("nobody")).detail());
  }
}
