package io.berth.containerd.container;

import com.google.protobuf.ByteString;
import io.berth.api.berth.container.v1.AttachResponse;
import io.berth.api.berth.container.v1.ExecCreateRequest;
import io.berth.api.berth.container.v1.ExecCreateResponse;
import io.berth.api.berth.container.v1.ExecInspectResponse;
import io.berth.api.berth.container.v1.ExecStartResponse;
import io.berth.api.berth.container.v1.WaitResponse;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.Stdio;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.shimprocess.ProcessReport;
import io.berth.containerd.spec.SpecJson;
import io.berth.containerd.task.Exit;
import io.berth.containerd.task.Tasks;
import io.berth.oci.runtime.ProcessSpec;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Processes run in containers that run. One that has ended is taken away after a moment in which
 * its client may still attach for the output; its exit is remembered a while longer.
 */
@Singleton
final class ContainerExecs {
  private static final Logger LOG = System.getLogger(ContainerExecs.class.getName());
  private static final Duration ATTACH_PATIENCE = Duration.ofSeconds(5);
  private static final int MAX_REMEMBERED = 1000;

  private final ExecSpecs specs;
  private final ContainerLife life;
  private final Tasks tasks;
  private final SecureRandom random = new SecureRandom();
  private final Map<String, Terms> terms = new ConcurrentHashMap<>();
  private final Map<String, CompletableFuture<Exit>> endings = new ConcurrentHashMap<>();
  private final Map<String, Ended> remembered = new LinkedHashMap<>();

  @Inject
  ContainerExecs(ExecSpecs specs, ContainerLife life, Tasks tasks) {
    this.specs = specs;
    this.life = life;
    this.tasks = tasks;
  }

  /** What its creator said. */
  private record Terms(TaskKey key, ExecCreateRequest request) {
    boolean attach() {
      return request.getAttachStdout() || request.getAttachStderr() || request.getOpenStdin();
    }

    boolean sized() {
      return request.getTty() && request.getRows() > 0 && request.getColumns() > 0;
    }
  }

  /**
   * One that ran.
   *
   * @param terms null if an earlier life of this service made it
   */
  private record Ended(TaskKey key, @Nullable Terms terms, Exit exit) {}

  ExecCreateResponse create(NamedContainer container, ExecCreateRequest request) {
    TaskKey key = container.key();
    checkRunning(container);
    ProcessSpec process = specs.of(container, request);
    boolean attach = request.getAttachStdout() || request.getAttachStderr();
    String execId = ContainerId.generate(random);
    Stdio stdio =
        new Stdio(
            request.getOpenStdin() ? "berth-attach:///" : "",
            attach ? "berth-attach:///" : "",
            attach && !request.getTty() ? "berth-attach:///" : "",
            request.getTty());
    tasks.exec(
        key, execId, stdio, Anys.of(Anys.PROCESS, ByteString.copyFrom(SpecJson.bytes(process))));
    terms.put(execId, new Terms(key, request));
    return ExecCreateResponse.newBuilder().setExecId(execId).build();
  }

  private void checkRunning(NamedContainer container) {
    Tasks.Glance glance = tasks.glance(container.key());
    if (glance == null || !glance.running()) {
      throw new BerthException.FailedPrecondition(
              "exec in container `" + container.name() + "`: it is not running; start it first")
          .with(
              Obstacle.of(
                  Obstacle.Reason.CONTAINER_NOT_RUNNING,
                  Obstacle.Kind.CONTAINER,
                  container.name()));
    }
    if (glance.paused()) {
      throw new BerthException.FailedPrecondition(
              "exec in container `" + container.name() + "`: it is paused; unpause it first")
          .with(
              Obstacle.of(
                  Obstacle.Reason.CONTAINER_PAUSED, Obstacle.Kind.CONTAINER, container.name()));
    }
  }

  ExecStartResponse start(NamedContainer container, String execId) {
    TaskKey key = container.key();
    Terms agreed = terms.get(execId);
    // Held before it runs: it may take its whole container along, and with it the task.
    CompletableFuture<Exit> ending = tasks.ending(key, execId);
    int pid = tasks.start(key, execId);
    endings.put(execId, ending);
    ExecStartResponse.Builder answer = ExecStartResponse.newBuilder().setPid(pid);
    boolean attach = agreed != null && agreed.attach();
    Thread.ofVirtual().name("exec-" + execId).start(() -> takeAway(key, execId, ending, attach));
    if (agreed != null && attach) {
      try {
        answer.setAttach(attachment(container, execId, agreed));
      } catch (BerthException e) {
        // Gone with its whole container, or long since: its shim has held what there was for this
        // client, so nothing is lost. Any other failure is one, also of a program that has ended.
        boolean gone = e instanceof BerthException.NotFound && ending.isDone();
        if (!gone && life.isRunning(key)) {
          throw e;
        }
        LOG.log(Level.DEBUG, "nobody attaches to exec {0}: {1}", execId, e.getMessage());
      }
    }
    return answer.build();
  }

  private AttachResponse attachment(NamedContainer container, String execId, Terms agreed) {
    ExecCreateRequest wish = agreed.request();
    if (agreed.sized()) {
      tasks.resize(container.key(), execId, wish.getRows(), wish.getColumns());
    }
    AttachResponse attach = life.allowAttach(container, execId);
    return attach.toBuilder().setTty(wish.getTty()).setStdin(wish.getOpenStdin()).build();
  }

  private void takeAway(
      TaskKey key, String execId, CompletableFuture<Exit> ending, boolean attached) {
    try {
      remember(execId, new Ended(key, terms.get(execId), told(ending)));
      terms.remove(execId);
      endings.remove(execId);
      if (attached) {
        Thread.sleep(ATTACH_PATIENCE);
      }
      var _ = tasks.deleteProcess(key, execId);
    } catch (BerthException.NotFound e) {
      LOG.log(Level.DEBUG, "exec {0} of {1} went with its container", execId, key);
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "take exec {0} of {1} away: {2}", execId, key, e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void remember(String execId, Ended exit) {
    synchronized (remembered) {
      remembered.put(execId, exit);
      if (remembered.size() > MAX_REMEMBERED) {
        remembered.remove(remembered.keySet().iterator().next());
      }
    }
  }

  /**
   * Blocks until it has ended.
   *
   * @param container asked for only if nothing is known of the exec: it may be gone by now
   */
  WaitResponse await(Supplier<NamedContainer> container, String execId)
      throws InterruptedException {
    CompletableFuture<Exit> ending = endings.get(execId);
    // In this order: what ends between the two looks is remembered by then.
    Ended ended = ended(execId);
    Exit exit =
        ended != null
            ? ended.exit()
            : ending != null ? told(ending) : tasks.await(container.get().key(), execId);
    return WaitResponse.newBuilder()
        .setStatus(exit.status())
        .setAt(Timestamps.of(exit.at()))
        .setOomKilled(exit.oomKilled())
        .build();
  }

  private static Exit told(CompletableFuture<Exit> ending) throws InterruptedException {
    try {
      return ending.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("an exit cannot fail", e);
    }
  }

  private @Nullable Ended ended(String execId) {
    synchronized (remembered) {
      return remembered.get(execId);
    }
  }

  /** Row MB-04: of one that runs, or ran a while ago. NOT_FOUND for any other. */
  ExecInspectResponse inspect(String namespace, String ref) {
    NavigableSet<String> ids = new TreeSet<>();
    Map<String, TaskKey> present = new HashMap<>();
    for (TaskKey key : tasks.keys(namespace)) {
      try {
        tasks.execs(key).forEach(execId -> present.put(execId, key));
      } catch (BerthException.NotFound e) {
        LOG.log(Level.DEBUG, "{0} went while its execs were looked for", key);
      }
    }
    ids.addAll(present.keySet());
    synchronized (remembered) {
      remembered.forEach((execId, ended) -> {
        if (ended.key().namespace().equals(namespace)) {
          ids.add(execId);
        }
      });
    }
    String execId = one(ids, ref);
    Ended ended = ended(execId);
    if (ended != null) {
      return described(execId, ended.key(), ended.terms())
          .setPid(ended.exit().pid())
          .setExitCode(ended.exit().status())
          .build();
    }
    TaskKey key = Objects.requireNonNull(present.get(execId));
    ProcessReport state = tasks.state(key, execId);
    ExecInspectResponse.Builder answer =
        described(execId, key, terms.get(execId)).setPid(state.pid());
    return switch (state.phase()) {
      case RUNNING, PAUSED, PAUSING -> answer.setRunning(true).build();
      case STOPPED -> answer.setExitCode(state.exitStatus()).build();
      case CREATED, UNKNOWN -> answer.build();
    };
  }

  private static String one(NavigableSet<String> ids, String ref) {
    if (ids.contains(ref)) {
      return ref;
    }
    List<String> fitting =
        ref.isEmpty() ? List.of() : ids.stream().filter(id -> id.startsWith(ref)).toList();
    if (fitting.isEmpty()) {
      throw new BerthException.NotFound("No such exec instance: " + ref);
    }
    if (fitting.size() > 1) {
      throw new BerthException.InvalidArgument(
          "exec `" + ref + "`: the prefix fits " + fitting.size() + " of them; give more digits");
    }
    return fitting.getFirst();
  }

  private static ExecInspectResponse.Builder described(
      String execId, TaskKey key, @Nullable Terms terms) {
    ExecInspectResponse.Builder answer =
        ExecInspectResponse.newBuilder().setExecId(execId).setContainerId(key.id());
    if (terms == null) {
      return answer;
    }
    ExecCreateRequest wish = terms.request();
    return answer
        .addAllCmd(wish.getCmdList())
        .setTty(wish.getTty())
        .setUser(wish.getUser())
        .setPrivileged(wish.getPrivileged())
        .setOpenStdin(wish.getOpenStdin());
  }
}
