package io.berth.containerd.fake;

import com.google.protobuf.Any;
import com.google.protobuf.Empty;
import io.berth.api.containerd.task.v3.CloseIORequest;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.DeleteResponse;
import io.berth.api.containerd.task.v3.ExecProcessRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.PauseRequest;
import io.berth.api.containerd.task.v3.PidsRequest;
import io.berth.api.containerd.task.v3.PidsResponse;
import io.berth.api.containerd.task.v3.ResizePtyRequest;
import io.berth.api.containerd.task.v3.ResumeRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.StartResponse;
import io.berth.api.containerd.task.v3.StateRequest;
import io.berth.api.containerd.task.v3.StateResponse;
import io.berth.api.containerd.task.v3.StatsRequest;
import io.berth.api.containerd.task.v3.StatsResponse;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.api.containerd.task.v3.UpdateTaskRequest;
import io.berth.api.containerd.v1.types.ProcessInfo;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Timestamps;
import io.berth.oci.runtime.ProcessSpec;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/** {@code containerd.task.v3.Task} over a fake supervisor. */
final class FakeShim extends TaskGrpc.TaskImplBase {
  private final FakeShimProcesses machine;
  private final FakeShimProcess process;
  private final TaskKey key;

  FakeShim(FakeShimProcesses machine, FakeShimProcess process, TaskKey key) {
    this.machine = machine;
    this.process = process;
    this.key = key;
  }

  private FakeSupervisor supervisor() {
    return machine.require(key);
  }

  @Override
  public void state(StateRequest request, StreamObserver<StateResponse> responses) {
    process.answer(
        responses,
        () -> {
          FakeSupervisor supervisor = supervisor();
          FakeSupervisor.Proc process = supervisor.process(request.getExecId());
          machine.beforeStateAnswer.run();
          StateResponse.Builder state =
              StateResponse.newBuilder()
                  .setId(key.id())
                  .setExecId(request.getExecId())
                  .setPid(process.pid)
                  .setStatus(process.status)
                  .setStdout(supervisor.create.getStdout())
                  .setExitStatus(process.exitStatus);
          if (process.exitedAt != null) {
            state.setExitedAt(Timestamps.of(process.exitedAt));
          }
          return state.build();
        });
  }

  @Override
  public void start(StartRequest request, StreamObserver<StartResponse> responses) {
    String number = CallContext.requestId();
    process.answer(
        responses,
        () -> {
          FakeSupervisor supervisor = supervisor();
          FakeSupervisor.Proc process = supervisor.process(request.getExecId());
          if (supervisor.first("start:" + request.getExecId(), number)) {
            if (process.status != Status.CREATED) {
              throw new BerthException.Unknown("cannot start a " + process.word() + " process");
            }
            if (!request.getExecId().isEmpty() && supervisor.process("").status == Status.STOPPED) {
              throw new BerthException.FailedPrecondition(
                  "container " + key.id() + " init process is not running");
            }
            if (process.pid == 0) {
              process.pid = FakeSupervisor.nextPid();
            }
            process.status = Status.RUNNING;
            if (process.program.equals("true")) {
              machine.exit(key, request.getExecId(), 0);
            }
          }
          machine.beforeStartAnswer.run();
          return StartResponse.newBuilder().setPid(process.pid).build();
        });
  }

  @Override
  public void kill(KillRequest request, StreamObserver<Empty> responses) {
    String number = CallContext.requestId();
    process.answer(
        responses,
        () -> {
          FakeSupervisor supervisor = supervisor();
          FakeSupervisor.Proc process = supervisor.process(request.getExecId());
          if (process.status == Status.STOPPED) {
            throw new BerthException.NotFound("process already finished");
          }
          if (process.pid == 0) {
            throw new BerthException.FailedPrecondition("process not created");
          }
          if (machine.undeliverable.test(request.getSignal())) {
            throw new BerthException.Internal("no way to the process");
          }
          if (supervisor.first("kill:" + request.getExecId() + ":" + request.getSignal(), number)) {
            boolean ignored = process.program.equals("stubborn") && request.getSignal() != 9;
            if (!ignored) {
              if (request.getExecId().isEmpty()) {
                supervisor.processes.keySet().stream()
                    .filter(execId -> !execId.isEmpty())
                    .filter(execId -> supervisor.process(execId).status == Status.RUNNING)
                    .forEach(execId -> machine.exit(key, execId, 137));
              }
              machine.exit(key, request.getExecId(), 128 + request.getSignal());
            }
          }
          return Empty.getDefaultInstance();
        });
  }

  private byte[] process(ExecProcessRequest request) throws IOException {
    if (!Anys.is(request.getSpec(), Anys.PROCESS_FILE)) {
      return request.getSpec().getValue().toByteArray();
    }
    Path bundle = Path.of(supervisor().create.getBundle());
    return Files.readAllBytes(bundle.resolveSibling("exec").resolve(request.getExecId() + ".spec"));
  }

  @Override
  public void exec(ExecProcessRequest request, StreamObserver<Empty> responses) {
    process.answer(
        responses,
        () -> {
          ProcessSpec spec = ProcessSpec.read(process(request), "exec");
          FakeSupervisor supervisor = supervisor();
          FakeSupervisor.Proc init = supervisor.process("");
          if (init.status == Status.PAUSED || init.status == Status.STOPPED) {
            throw new BerthException.Unknown("cannot exec in a " + init.word() + " state");
          }
          FakeSupervisor.Proc exec = FakeSupervisor.Proc.exec(spec.args().getFirst());
          if (supervisor.processes.putIfAbsent(request.getExecId(), exec) != null) {
            throw new BerthException.AlreadyExists("exec " + request.getExecId());
          }
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void delete(DeleteRequest request, StreamObserver<DeleteResponse> responses) {
    process.answer(
        responses,
        () -> {
          machine.beforeDeleteAnswer.run();
          FakeSupervisor supervisor = supervisor();
          FakeSupervisor.Proc process = supervisor.process(request.getExecId());
          if (process.status == Status.RUNNING || process.status == Status.PAUSED) {
            throw new BerthException.Unknown("cannot delete a " + process.word() + " process");
          }
          if (process.status == Status.CREATED && process.pid != 0) {
            process.exitStatus = 137;
            process.exitedAt = Instant.now();
          }
          if (request.getExecId().isEmpty()) {
            machine.supervisors.remove(key);
            Thread.ofVirtual().start(() -> this.process.leave(key));
          } else {
            supervisor.processes.remove(request.getExecId());
            supervisor.unacknowledged.remove(request.getExecId());
          }
          DeleteResponse.Builder answer =
              DeleteResponse.newBuilder().setPid(process.pid).setExitStatus(process.exitStatus);
          if (process.exitedAt != null) {
            answer.setExitedAt(Timestamps.of(process.exitedAt));
          }
          return answer.build();
        });
  }

  @Override
  public void pause(PauseRequest request, StreamObserver<Empty> responses) {
    become(responses, "pause", Status.RUNNING, Status.PAUSED);
  }

  @Override
  public void resume(ResumeRequest request, StreamObserver<Empty> responses) {
    become(responses, "resume", Status.PAUSED, Status.RUNNING);
  }

  private void become(StreamObserver<Empty> responses, String verb, Status from, Status to) {
    process.answer(
        responses,
        () -> {
          FakeSupervisor.Proc init = supervisor().process("");
          if (init.status != from) {
            throw new BerthException.Unknown("cannot " + verb + " a " + init.word() + " container");
          }
          init.status = to;
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void pids(PidsRequest request, StreamObserver<PidsResponse> responses) {
    process.answer(
        responses,
        () -> {
          PidsResponse.Builder result = PidsResponse.newBuilder();
          supervisor().processes.values().stream()
              .filter(process -> process.pid != 0 && process.status != Status.STOPPED)
              .forEach(
                  process -> result.addProcesses(ProcessInfo.newBuilder().setPid(process.pid)));
          return result.build();
        });
  }

  @Override
  public void stats(StatsRequest request, StreamObserver<StatsResponse> responses) {
    process.answer(
        responses,
        () -> {
          var _ = supervisor();
          return StatsResponse.newBuilder()
              .setStats(Any.newBuilder().setTypeUrl("io.containerd.cgroups.v2.Metrics"))
              .build();
        });
  }

  @Override
  public void update(UpdateTaskRequest request, StreamObserver<Empty> responses) {
    process.answer(
        responses,
        () -> {
          supervisor().first("update", null);
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void closeIO(CloseIORequest request, StreamObserver<Empty> responses) {
    process.answer(responses, () -> Empty.getDefaultInstance());
  }

  @Override
  public void resizePty(ResizePtyRequest request, StreamObserver<Empty> responses) {
    process.answer(responses, () -> Empty.getDefaultInstance());
  }
}
