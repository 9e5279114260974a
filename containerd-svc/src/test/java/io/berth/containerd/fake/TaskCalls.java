package io.berth.containerd.fake;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.api.containerd.services.tasks.v1.DeleteTaskRequest;
import io.berth.api.containerd.services.tasks.v1.ExecProcessRequest;
import io.berth.api.containerd.services.tasks.v1.GetRequest;
import io.berth.api.containerd.services.tasks.v1.KillRequest;
import io.berth.api.containerd.services.tasks.v1.StartRequest;
import io.berth.api.containerd.services.tasks.v1.WaitRequest;
import io.berth.api.containerd.v1.types.Process;
import io.berth.api.containerd.v1.types.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import org.junit.jupiter.api.function.Executable;

/** What tests ask of the tasks of an instance, in short words. An empty exec id is the init. */
public final class TaskCalls {
  private final Instance instance;

  public TaskCalls(Instance instance) {
    this.instance = instance;
  }

  /** Of a container that has a record; answers the init's pid. */
  public int create(String id) {
    return instance
        .tasks()
        .create(CreateTaskRequest.newBuilder().setContainerId(id).build())
        .getPid();
  }

  public void start(String id) {
    start(id, "");
  }

  public void start(String id, String execId) {
    var _ =
        instance
            .tasks()
            .start(StartRequest.newBuilder().setContainerId(id).setExecId(execId).build());
  }

  public void exec(String id, String execId, String program) {
    var _ =
        instance
            .tasks()
            .exec(
                ExecProcessRequest.newBuilder()
                    .setContainerId(id)
                    .setExecId(execId)
                    .setSpec(Instance.process(program))
                    .build());
  }

  public void kill(String id, int signal) {
    var _ =
        instance
            .tasks()
            .kill(KillRequest.newBuilder().setContainerId(id).setSignal(signal).build());
  }

  /** Blocks until it has ended; answers its exit status. */
  public int await(String id, String execId) {
    return instance
        .tasks()
        .wait(WaitRequest.newBuilder().setContainerId(id).setExecId(execId).build())
        .getExitStatus();
  }

  public int await(String id) {
    return await(id, "");
  }

  /** Answers its exit status. */
  public int delete(String id) {
    return instance
        .tasks()
        .delete(DeleteTaskRequest.newBuilder().setContainerId(id).build())
        .getExitStatus();
  }

  public Process get(String id, String execId) {
    return instance
        .tasks()
        .get(GetRequest.newBuilder().setContainerId(id).setExecId(execId).build())
        .getProcess();
  }

  public Status status(String id) {
    return get(id, "").getStatus();
  }

  /** The failure of a call, which must have this code. */
  public static StatusRuntimeException refused(Code code, Executable call) {
    StatusRuntimeException e = assertThrows(StatusRuntimeException.class, call);
    assertEquals(code, e.getStatus().getCode(), e.getMessage());
    return e;
  }
}
