package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.id.AttachToken;
import io.berth.base.id.TaskKey;
import io.berth.containerd.settings.NewContainer;
import io.berth.containerd.settings.TerminalSize;
import io.berth.containerd.task.Tasks;
import io.berth.containerd.timing.Timing;
import io.berth.containerd.timing.Timings;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Makes containers, and runs them for clients that take the streams before the first instruction.
 * What a client began and went away from before it let the program run is undone here. Thread-safe;
 * methods block until what was wanted holds.
 */
@Singleton
public final class ContainerRuns {
  private final NamedContainers containers;
  private final ContainerCreation creation;
  private final ContainerStarts starts;
  private final ContainerRelease release;
  private final Gates gates;
  private final Tasks tasks;
  private final Timings timings;

  @Inject
  ContainerRuns(
      NamedContainers containers,
      ContainerCreation creation,
      ContainerStarts starts,
      ContainerRelease release,
      Gates gates,
      Tasks tasks,
      Timings timings) {
    this.containers = containers;
    this.creation = creation;
    this.starts = starts;
    this.release = release;
    this.gates = gates;
    this.tasks = tasks;
    this.timings = timings;
  }

  /** Who wants a container to run. */
  public interface Client {
    /** Whether it went away; then nothing is begun for it any more. */
    boolean isGone();
  }

  /**
   * How a client wants it.
   *
   * @param size of the terminal to begin with
   * @param detached whether the program runs at once, without a client at its streams
   */
  public record Wish(TerminalSize size, boolean detached) {}

  /**
   * A container that was brought as far as its client wanted.
   *
   * @param name given or generated
   * @param warnings what the person should know, one line each
   * @param started its process
   * @param gate where it waits for {@link ContainerRuns#release}; null if it runs already
   */
  public record Run(
      TaskKey key, String name, List<String> warnings, Started started, @Nullable Gate gate) {
    public Run {
      warnings = List.copyOf(warnings);
    }
  }

  /** Makes a container; nothing runs yet. ALREADY_EXISTS names the holder of the name. */
  public ContainerCreation.Created create(String namespace, NewContainer wanted) {
    return creation.create(namespace, wanted, () -> Progress.NEW);
  }

  /** Makes a container and runs it. One whose start fails stays, unless it removes itself. */
  public Run runNew(String namespace, NewContainer wanted, Wish wish, Client client) {
    Timing timing = timings.begin();
    return timing.in(() -> runNew(namespace, wanted, wish, client, timing));
  }

  private Run runNew(
      String namespace, NewContainer wanted, Wish wish, Client client, Timing timing) {
    // From its record on it is removed unless its program is let go, also if this service dies.
    ContainerCreation.Created made =
        Timing.step(
            "make the container",
            () ->
                creation.create(
                    namespace,
                    wanted,
                    () -> {
                      if (client.isGone()) {
                        throw new BerthException.Cancelled("run a container: the client went away");
                      }
                      return Progress.NEW.pending(Progress.Pending.RUN);
                    }));
    TaskKey key = new TaskKey(namespace, made.id());
    timings.keep(key, timing);
    return containers.locked(
        key,
        () -> {
          NamedContainer container = present(key);
          try {
            return bring(container, Progress.Pending.RUN, made.warnings(), wish, client);
          } catch (BerthException e) {
            if (client.isGone()) {
              // Nobody is told why it did not start.
              release.removeItself(container);
            }
            throw e;
          }
        });
  }

  /** Runs a container that is there; one that runs is left as it is. */
  public Run run(NamedContainer meant, Wish wish, Client client) {
    TaskKey key = meant.key();
    return containers.locked(
        key,
        () -> {
          NamedContainer container = present(key);
          Tasks.Glance running = starts.running(container);
          if (running != null) {
            AttachGrant place = wish.detached() ? null : starts.allowAttach(container);
            Started already = new Started(true, running.pid(), place);
            return new Run(key, container.name(), List.of(), already, null);
          }
          return bring(container, Progress.Pending.START, List.of(), wish, client);
        });
  }

  private NamedContainer present(TaskKey key) {
    NamedContainer container = containers.find(key);
    if (container == null) {
      throw new BerthException.NotFound(
          "no such container: `" + ContainerId.shortened(key.id()) + "`");
    }
    return container;
  }

  private Run bring(
      NamedContainer container,
      Progress.Pending pending,
      List<String> warnings,
      Wish wish,
      Client client) {
    TaskKey key = container.key();
    checkClient(container, client);
    // One call of the shim makes the task and lets its client attach.
    AttachToken attach = wish.detached() ? null : starts.newToken();
    int pid = starts.create(container, wish.size(), pending, attach);
    checkClient(container, client);
    if (attach == null) {
      starts.begin(container);
      return new Run(key, container.name(), warnings, new Started(false, pid, null), null);
    }
    Started started = new Started(false, pid, starts.attached(container, attach));
    return new Run(key, container.name(), warnings, started, gates.hold(key));
  }

  private void checkClient(NamedContainer container, Client client) {
    if (client.isGone()) {
      undo(container.key());
      throw new BerthException.Cancelled(
          "run container `" + container.name() + "`: the client went away");
    }
  }

  /** Lets the program of a container run that a client holds; answers the pid. */
  public int release(NamedContainer meant) {
    TaskKey key = meant.key();
    return containers.locked(
        key,
        () -> {
          Gate gate = gates.take(key);
          if (gate == null) {
            throw new BerthException.FailedPrecondition(
                "release container `" + meant.name() + "`: no run holds it; start it");
          }
          try {
            timings.goOn(key, () -> starts.begin(present(key)));
          } catch (BerthException e) {
            gate.shut(e);
            throw e;
          }
          gate.open();
          Tasks.Glance glance = tasks.glance(key);
          return glance == null ? 0 : glance.pid();
        });
  }

  /** The client of a run has gone. What it holds is undone; what runs is left as it is. */
  public void clientGone(Run run) {
    Gate gate = run.gate();
    if (gate == null) {
      return;
    }
    containers.runLocked(
        run.key(),
        () -> {
          if (gates.take(run.key(), gate)) {
            gate.shut(new BerthException.Cancelled("the client went away"));
            undo(run.key());
          }
        });
  }

  /** The containers that clients hold by their records; asked before any client can call. */
  Set<TaskKey> pending() {
    return containers.list(null).stream()
        .filter(container -> container.progress().pending() != null)
        .map(NamedContainer::key)
        .collect(Collectors.toUnmodifiableSet());
  }

  /** Undoes a run that an earlier life of this service has left, unless a client has it now. */
  void undoLeft(TaskKey key) {
    containers.runLocked(
        key,
        () -> {
          if (!gates.isHeld(key)) {
            undo(key);
          }
        });
  }

  private void undo(TaskKey key) {
    NamedContainer container = containers.find(key);
    if (container == null) {
      return;
    }
    switch (container.progress().pending()) {
      case null -> {
        // It runs, or somebody else has it.
      }
      case START -> {
        release.undoCreate(key);
        containers.progress(key, old -> old.pending(null));
      }
      case RUN -> release.removeItself(container);
    }
  }
}
