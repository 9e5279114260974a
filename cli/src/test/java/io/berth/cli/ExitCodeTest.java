package io.berth.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.ExecCreateRequest;
import io.berth.api.berth.container.v1.ExecCreateResponse;
import io.berth.api.berth.container.v1.ExecStartRequest;
import io.berth.api.berth.container.v1.ExecStartResponse;
import io.berth.api.berth.container.v1.ExecWaitRequest;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.api.berth.container.v1.RunRequest;
import io.berth.api.berth.container.v1.RunResponse;
import io.berth.api.berth.container.v1.WaitResponse;
import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.base.error.LaunchFailure.Kind;
import io.berth.base.error.Obstacle;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.UnixServer;
import io.berth.linux.Errno;
import io.berth.testing.InProcessGrpc;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** With what run, start and exec end when there is no process whose code it could be. */
final class ExitCodeTest {
  @RegisterExtension final InProcessGrpc grpc = new InProcessGrpc(UnixServer.INTERCEPTORS);

  private Lines lines = new Lines(Map.of());
  private BerthException failure = new BerthException.Internal("none yet");

  /** What a start of an exec is answered, if it does not fail. */
  private @Nullable ExecStartResponse started;

  /** The code on record of an exec that has ended. */
  private int status;

  @BeforeEach
  void serve() throws IOException {
    lines = new Lines(Map.of("containerd", grpc.serve(new Containers())));
  }

  private void ends(int run, int exec, int start) {
    assertEquals(run, lines.berth("run", "busybox", "x"));
    assertEquals(run, lines.berth("run", "-d", "busybox", "x"));
    assertEquals(exec, lines.berth("exec", "web", "x"));
    assertEquals(exec, lines.berth("exec", "-d", "web", "x"));
    assertEquals(start, lines.berth("start", "-a", "web"));
    assertEquals(1, lines.berth("start", "web"));
  }

  @ParameterizedTest // case L11
  @CsvSource({
    "PROGRAM_NOT_FOUND, ENOENT, 127, 127, 127",
    "PROGRAM_NOT_EXECUTABLE, EACCES, 126, 126, 126",
    "PROGRAM_IS_DIRECTORY, EISDIR, 126, 126, 126",
    "PROGRAM_FORMAT_UNKNOWN, ENOEXEC, 126, 126, 126",
    "PROGRAM_REFUSED, ETXTBSY, 125, 126, 1",
    "WORKING_DIRECTORY_REFUSED, ENOENT, 125, 126, 1",
    "WORKING_DIRECTORY_REFUSED, ENOTDIR, 125, 126, 1",
    "WORKING_DIRECTORY_REFUSED, EACCES, 126, 126, 126",
    "MOUNT_REFUSED, EISDIR, 125, 126, 1",
    "USER_REFUSED, ENOENT, 125, 126, 1",
    "OPTION_REFUSED, ENOENT, 125, 126, 1",
    "HOOK_FAILED, EACCES, 125, 126, 1",
    "ENGINE_FAILED, ENOENT, 125, 126, 1",
  })
  void aLaunchThatFailed(Kind kind, Errno errno, int run, int exec, int start) {
    failure = new BerthException.Unknown("launch").with(new LaunchFailure(kind, "x", errno));
    ends(run, exec, start);
  }

  // A name that somebody chose is no reason.
  @ParameterizedTest
  @ValueSource(
      strings = {
        "permission denied",
        "no such file or directory",
        "executable file not found in $PATH",
        "exec format error",
        "is a directory",
        "not a directory",
      })
  void noWordOfATextIsLookedFor(String words) {
    failure = new BerthException.Unknown("start exec `e`: something with `" + words + "`");
    ends(125, 1, 1);
    failure =
        new BerthException.Unknown("unable to find user " + words)
            .with(new LaunchFailure(Kind.USER_REFUSED, words, Errno.UNKNOWN));
    ends(125, 126, 1);
    failure =
        new BerthException.FailedPrecondition("network `" + words + "` is in use")
            .with(Obstacle.of(Obstacle.Reason.NETWORK_IN_USE, Obstacle.Kind.NETWORK, words));
    ends(125, 1, 1);
  }

  @Test
  void theTextIsStillTheServicesOwn() {
    failure =
        new BerthException.Unknown("exec: \"x\": executable file not found in $PATH")
            .with(LaunchFailure.ofProgram("x", Errno.ENOENT));
    assertEquals(127, lines.berth("exec", "web", "x"));
    assertEquals("berth: exec: \"x\": executable file not found in $PATH\n", lines.err());
  }

  /** Success would tell that its output is all there. */
  @ParameterizedTest
  @CsvSource({"0, 125", "7, 7"})
  void anExecWhoseOutputIsLost_didNotSucceed(int recorded, int code) {
    started = ExecStartResponse.getDefaultInstance();
    status = recorded;
    assertEquals(code, lines.berth("exec", "web", "x"));
    assertEquals(
        "berth: the container's supervisor has gone; the end of the output may be lost\n",
        lines.err());
  }

  private final class Containers extends ContainersGrpc.ContainersImplBase {
    @Override
    public void get(GetRequest request, StreamObserver<Container> responses) {
      Calls.answer(responses, () -> Container.newBuilder().setId("0123").setName("web").build());
    }

    @Override
    public void run(RunRequest request, StreamObserver<RunResponse> responses) {
      Calls.answer(
          responses,
          () -> {
            throw failure;
          });
    }

    @Override
    public void execCreate(
        ExecCreateRequest request, StreamObserver<ExecCreateResponse> responses) {
      Calls.answer(responses, () -> ExecCreateResponse.newBuilder().setExecId("e").build());
    }

    @Override
    public void execStart(ExecStartRequest request, StreamObserver<ExecStartResponse> responses) {
      Calls.answer(
          responses,
          () -> {
            if (started != null) {
              return started;
            }
            throw failure;
          });
    }

    @Override
    public void execWait(ExecWaitRequest request, StreamObserver<WaitResponse> responses) {
      Calls.answer(responses, () -> WaitResponse.newBuilder().setStatus(status).build());
    }
  }
}
