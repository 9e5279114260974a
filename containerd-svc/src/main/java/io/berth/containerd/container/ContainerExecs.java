package io.berth.containerd.container;

import com.google.protobuf.ByteString;
import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.base.error.Obstacle;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.Stdio;
import io.berth.base.rpc.Anys;
import io.berth.base.time.Sleeper;
import io.berth.containerd.settings.ExecSettings;
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
 * Runs further processes in containers that run. A process that has ended is taken away after a
 * moment in which its client may still attach for the output; its exit is remembered a while
 * longer. Thread-safe.
 */
@Singleton
public final class ContainerExecs {
  private static final Logger LOG = System.getLogger(ContainerExecs.class.getName());
  private static final Duration ATTACH_PATIENCE = Duration.ofSeconds(5);
  private static final String ATTACHED = "berth-attach:///";

  private final ExecSpecs specs;
  private final AttachTokens tokens;
  private final Tasks tasks;
  private final ContainerChronicle chronicle;
  private final SecureRandom random = new SecureRandom();
  private final Map<String, ExecSettings> wishes = new ConcurrentHashMap<>();
  private final Map<String, CompletableFuture<Exit>> endings = new ConcurrentHashMap<>();
  private final EndedExecs ended = new EndedExecs();

  @Inject
  ContainerExecs(ExecSpecs specs, AttachTokens tokens, Tasks tasks, ContainerChronicle chronicle) {
    this.chronicle = chronicle;
    this.specs = specs;
    this.tokens = tokens;
    this.tasks = tasks;
  }

  /** Makes a process, which does not run yet, and answers its id. */
  public String create(NamedContainer container, ExecSettings wish) {
    TaskKey key = container.key();
    checkRunning(container);
    ProcessSpec process = specs.of(container, wish);
    boolean attach = wish.attachOutput() || wish.attachErrors();
    String execId = ContainerId.generate(random);
    Stdio stdio =
        new Stdio(
            wish.openInput() ? ATTACHED : "",
            attach ? ATTACHED : "",
            attach && !wish.terminal() ? ATTACHED : "",
            wish.terminal());
    tasks.exec(
        key, execId, stdio, Anys.of(Anys.PROCESS, ByteString.copyFrom(SpecJson.bytes(process))));
    wishes.put(execId, wish);
    chronicle.tell(
        container, "exec_create: " + String.join(" ", wish.command()), Map.of("execID", execId));
    return execId;
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

  /** Lets the program of a process run; where its client is to attach, the answer says how. */
  public Started start(NamedContainer container, String execId) {
    TaskKey key = container.key();
    ExecSettings agreed = wishes.get(execId);
    // The end is held before the program runs, because the program may end its whole container, and
    // with that the task goes.
    CompletableFuture<Exit> ending = tasks.ending(key, execId);
    int pid = launch(container, execId);
    endings.put(execId, ending);
    boolean attach = agreed != null && wantsAttachment(agreed);
    chronicle.tell(
        container,
        "exec_start: " + (agreed == null ? "" : String.join(" ", agreed.command())),
        Map.of("execID", execId));
    Thread.ofVirtual()
        .name("exec-" + execId)
        .start(() -> takeAway(container, execId, ending, attach));
    return new Started(
        false, pid, agreed != null && attach ? attachment(key, execId, agreed, ending) : null);
  }

  /**
   * What keeps the program from running is told with the name by which a person knows the
   * container.
   */
  private int launch(NamedContainer container, String execId) {
    try {
      return tasks.start(container.key(), execId);
    } catch (BerthException.Unknown e) {
      throw e.detail() instanceof LaunchFailure failure
          ? new BerthException.Unknown(
                  "exec in container `" + container.name() + "`: " + e.getMessage(), e)
              .with(failure)
          : e;
    }
  }

  private static boolean wantsAttachment(ExecSettings wish) {
    return wish.attachOutput() || wish.attachErrors() || wish.openInput();
  }

  private @Nullable AttachGrant attachment(
      TaskKey key, String execId, ExecSettings agreed, CompletableFuture<Exit> ending) {
    try {
      // Its terminal has its size since it was made: a program may have ended by now.
      return tokens.allow(key, execId, agreed.terminal(), agreed.openInput());
    } catch (BerthException e) {
      // A process that went with its whole container, or ended long since, needs no attachment: its
      // shim has held what there was for this client. Any other failure is one, also where the
      // program has ended.
      boolean gone = e instanceof BerthException.NotFound && ending.isDone();
      Tasks.Glance glance = tasks.glance(key);
      if (!gone && glance != null && glance.running()) {
        throw e;
      }
      LOG.log(Level.DEBUG, "nobody attaches to exec {0}: {1}", execId, e.getMessage());
      return null;
    }
  }

  private void takeAway(
      NamedContainer container, String execId, CompletableFuture<Exit> ending, boolean attached) {
    TaskKey key = container.key();
    try {
      Exit exit = told(ending);
      ended.add(execId, new EndedExecs.Ended(key, wishes.get(execId), exit));
      chronicle.tell(
          container,
          "exec_die",
          Map.of("execID", execId, "exitCode", Integer.toString(exit.status())));
      wishes.remove(execId);
      endings.remove(execId);
      if (attached) {
        Sleeper.SYSTEM.sleep(ATTACH_PATIENCE);
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

  /**
   * Blocks until the process has ended.
   *
   * @param container asked for only if nothing is known of the process, because the container may
   *     be gone by now
   */
  public Ending await(Supplier<NamedContainer> container, String execId)
      throws InterruptedException {
    // The order of the two looks counts: a process that ends between them is remembered by then.
    CompletableFuture<Exit> ending = endings.get(execId);
    EndedExecs.Ended known = ended.get(execId);
    Exit exit =
        known != null
            ? known.exit()
            : ending != null ? told(ending) : tasks.await(container.get().key(), execId);
    return Ending.of(exit);
  }

  private static Exit told(CompletableFuture<Exit> ending) throws InterruptedException {
    try {
      return ending.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("an exit cannot fail", e);
    }
  }

  /** Sends a signal, by name or number; empty for SIGKILL. */
  public void kill(NamedContainer container, String execId, String signal) {
    int number = ContainerStops.number(signal.isEmpty() ? "SIGKILL" : signal);
    tasks.kill(container.key(), execId, number, /* all= */ false);
  }

  /** Gives the terminal of a process another size; an empty id means the container's first one. */
  public void resize(NamedContainer container, String execId, int rows, int columns) {
    tasks.resize(container.key(), execId, rows, columns);
    chronicle.tell(
        container,
        "resize",
        Map.of("height", Integer.toString(rows), "width", Integer.toString(columns)));
  }

  /**
   * A process in a container.
   *
   * @param execId its id
   * @param containerId the container's
   * @param running whether its program runs
   * @param pid as the host sees it
   * @param exitCode null while it has not ended
   * @param wish null if it was made before this service's last start, or by a client of containerd
   */
  public record Report(
      String execId,
      String containerId,
      boolean running,
      int pid,
      @Nullable Integer exitCode,
      @Nullable ExecSettings wish) {}

  /**
   * A process that runs, or ended a while ago. NOT_FOUND for any other.
   *
   * @param ref a whole id, or the beginning of one id only
   */
  public Report inspect(String namespace, String ref) {
    Map<String, TaskKey> present = new HashMap<>();
    for (TaskKey key : tasks.keys(namespace)) {
      try {
        tasks.execs(key).forEach(execId -> present.put(execId, key));
      } catch (BerthException.NotFound e) {
        LOG.log(Level.DEBUG, "{0} went while its execs were looked for", key);
      }
    }
    NavigableSet<String> ids = new TreeSet<>(present.keySet());
    ids.addAll(ended.ids(namespace));
    String execId = one(ids, ref);
    EndedExecs.Ended known = ended.get(execId);
    if (known != null) {
      Exit exit = known.exit();
      return new Report(execId, known.key().id(), false, exit.pid(), exit.status(), known.wish());
    }
    TaskKey key = Objects.requireNonNull(present.get(execId));
    ProcessReport state = tasks.state(key, execId);
    boolean running =
        switch (state.phase()) {
          case RUNNING, PAUSED, PAUSING -> true;
          case CREATED, STOPPED, UNKNOWN -> false;
        };
    Integer exitCode =
        switch (state.phase()) {
          case STOPPED -> state.exitStatus();
          case CREATED, RUNNING, PAUSED, PAUSING, UNKNOWN -> null;
        };
    return new Report(execId, key.id(), running, state.pid(), exitCode, wishes.get(execId));
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
}
