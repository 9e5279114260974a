package io.berth.containerd.fake;

import com.google.protobuf.Empty;
import io.berth.api.berth.host.v1.AcknowledgeRequest;
import io.berth.api.berth.host.v1.AdoptRequest;
import io.berth.api.berth.host.v1.AdoptResponse;
import io.berth.api.berth.host.v1.AllowAttachRequest;
import io.berth.api.berth.host.v1.CaughtUp;
import io.berth.api.berth.host.v1.HostGrpc;
import io.berth.api.berth.host.v1.LetGoRequest;
import io.berth.api.berth.host.v1.Occurrence;
import io.berth.api.berth.host.v1.PlaceRequest;
import io.berth.api.berth.host.v1.PlaceResponse;
import io.berth.api.berth.host.v1.StatusResponse;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.base.id.TaskKey;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.HeaderRouting;
import io.berth.base.rpc.UnixServer;
import io.berth.linux.Errno;
import io.berth.oci.runtime.RuntimeSpec;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/** {@code berth.host.v1.Host} over fake supervisors. */
final class FakeShimProcess extends HostGrpc.HostImplBase {
  /** A follower's stream ends only with the process, and is broken off after this. */
  private static final long LAST_ANSWERS_MILLIS = 200;

  final int number;
  final CompletableFuture<Void> ended = new CompletableFuture<>();
  private final FakeShimProcesses machine;
  final String build;
  private final Map<TaskKey, ServerServiceDefinition> shims = new ConcurrentHashMap<>();
  private final List<BlockingQueue<Occurrence>> watchers = new CopyOnWriteArrayList<>();
  private final CountDownLatch letGo = new CountDownLatch(1);
  private volatile boolean stopped;

  @Nullable UnixServer server;
  private volatile String namespace = "";
  private volatile boolean draining;

  FakeShimProcess(FakeShimProcesses machine, int number, String build) {
    this.machine = machine;
    this.number = number;
    this.build = build;
  }

  boolean holds(TaskKey key) {
    return shims.containsKey(key);
  }

  /** Ends as kill -9 ends a process: calls that are under way break. */
  void die() {
    end(0);
  }

  /** Ends as a drained process does: the call that made it the last is answered first. */
  private void endInOrder() {
    end(LAST_ANSWERS_MILLIS);
  }

  void stop() {
    stopped = true;
  }

  boolean isStopped() {
    return stopped;
  }

  /** Its work, which stands still while it is stopped. */
  <A> void answer(StreamObserver<A> responses, Callable<A> work) {
    Calls.answer(
        responses,
        () -> {
          if (stopped) {
            letGo.await();
          }
          return work.call();
        });
  }

  private void end(long graceMillis) {
    machine.gone(number);
    letGo.countDown();
    shims.clear();
    UnixServer open = server;
    if (open != null && graceMillis > 0) {
      open.stop(graceMillis);
    } else if (open != null) {
      open.close();
    }
    ended.complete(null);
  }

  void tell(Occurrence occurrence) {
    watchers.forEach(watcher -> watcher.add(occurrence));
  }

  @Override
  public void place(PlaceRequest request, StreamObserver<PlaceResponse> responses) {
    answer(
        responses,
        () -> {
          TaskKey key = claim(request.getNamespace(), request.getId());
          if (machine.supervisors.containsKey(key)) {
            throw new BerthException.AlreadyExists("task " + key.id());
          }
          Path config = Path.of(request.getCreate().getBundle(), "config.json");
          RuntimeSpec spec = RuntimeSpec.read(Files.readAllBytes(config), config.toString());
          String program = Objects.requireNonNull(spec.process()).args().getFirst();
          if (program.equals("missing")) {
            throw new BerthException.Unknown(
                    "OCI runtime create failed: exec: \"missing\": executable file not found in"
                        + " $PATH")
                .with(LaunchFailure.ofProgram(program, Errno.ENOENT));
          }
          LaunchFailure refusal = machine.refusals.get(program);
          if (refusal != null) {
            throw new BerthException.Unknown("exec: \"" + program + "\": " + refusal.errno().text())
                .with(refusal);
          }
          FakeSupervisor supervisor = new FakeSupervisor(key, request.getCreate(), program);
          machine.supervisors.put(key, supervisor);
          open(key);
          if (request.hasAttach()) {
            supervisor.first("placed to attach:", null);
          }
          machine.beforePlaceAnswer.run();
          return PlaceResponse.newBuilder().setPid(supervisor.process("").pid).build();
        });
  }

  private TaskKey claim(String wanted, String id) {
    if (draining || !(namespace.isEmpty() || namespace.equals(wanted))) {
      throw new BerthException.FailedPrecondition("process " + number + " is of " + namespace);
    }
    namespace = wanted;
    TaskKey key = new TaskKey(wanted, id);
    if (shims.containsKey(key)) {
      throw new BerthException.AlreadyExists("task " + id);
    }
    return key;
  }

  private void open(TaskKey key) {
    shims.put(key, new FakeShim(machine, this, key).bindService());
  }

  /** The task service of all that it holds. */
  ServerServiceDefinition tasks() {
    return HeaderRouting.of(
        TaskGrpc.getServiceDescriptor(),
        CallContext.TASK_HEADER,
        name -> {
          String[] words = name.split("/", 2);
          return shims.get(new TaskKey(words[0], words[1]));
        });
  }

  @Override
  public void adopt(AdoptRequest request, StreamObserver<AdoptResponse> responses) {
    answer(
        responses,
        () -> {
          TaskKey key = claim(request.getNamespace(), request.getId());
          FakeSupervisor supervisor = machine.require(key);
          open(key);
          supervisor.processes.forEach((execId, process) -> {
            if (process.exitedAt != null) {
              tell(FakeShimProcesses.exitOf(supervisor, execId));
            }
          });
          return AdoptResponse.newBuilder().setEpoch(2).build();
        });
  }

  @Override
  public void letGo(LetGoRequest request, StreamObserver<Empty> responses) {
    answer(
        responses,
        () -> {
          leave(new TaskKey(request.getNamespace(), request.getId()));
          return Empty.getDefaultInstance();
        });
  }

  void leave(TaskKey key) {
    shims.remove(key);
    if (draining && shims.isEmpty()) {
      Thread.ofVirtual().start(this::endInOrder);
    }
  }

  @Override
  public void drain(Empty request, StreamObserver<Empty> responses) {
    answer(
        responses,
        () -> {
          draining = true;
          if (shims.isEmpty()) {
            Thread.ofVirtual().start(this::endInOrder);
          }
          return request;
        });
  }

  @Override
  public void warm(Empty request, StreamObserver<Empty> responses) {
    machine.warmUps.add(number);
    machine.beforeWarmAnswer.accept(number);
    answer(responses, () -> request);
  }

  @Override
  public void status(Empty request, StreamObserver<StatusResponse> responses) {
    answer(
        responses,
        () ->
            StatusResponse.newBuilder()
                .setPid(number)
                .setNamespace(namespace)
                .addAllIds(shims.keySet().stream().map(TaskKey::id).toList())
                .setWarmed(true)
                .setDraining(draining)
                .setBuild(build)
                .build());
  }

  @Override
  public void watch(Empty request, StreamObserver<Occurrence> responses) {
    BlockingQueue<Occurrence> queue = new LinkedBlockingQueue<>();
    for (TaskKey key : shims.keySet()) {
      FakeSupervisor supervisor = machine.supervisors.get(key);
      if (supervisor != null) {
        for (String execId : List.copyOf(supervisor.unacknowledged)) {
          queue.add(FakeShimProcesses.exitOf(supervisor, execId));
        }
      }
    }
    queue.add(Occurrence.newBuilder().setCaughtUp(CaughtUp.getDefaultInstance()).build());
    watchers.add(queue);
    BlockingSender.run(
        responses,
        sender -> {
          while (true) {
            sender.send(queue.take());
          }
        });
  }

  @Override
  public void acknowledge(AcknowledgeRequest request, StreamObserver<Empty> responses) {
    answer(
        responses,
        () -> {
          FakeSupervisor supervisor =
              machine.supervisors.get(new TaskKey(request.getNamespace(), request.getId()));
          if (supervisor != null) {
            supervisor.unacknowledged.remove(request.getExecId());
          }
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void allowAttach(AllowAttachRequest request, StreamObserver<Empty> responses) {
    answer(
        responses,
        () -> {
          machine
              .require(new TaskKey(request.getNamespace(), request.getId()))
              .first("attach:" + request.getExecId(), null);
          return Empty.getDefaultInstance();
        });
  }
}
