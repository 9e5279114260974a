package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.base.id.AttachToken;
import io.berth.linux.Errno;
import io.berth.linux.Signal;
import io.berth.linux.Terminal;
import io.berth.linux.supervisor.PeerGone;
import io.berth.linux.supervisor.SupervisorConnection;
import io.berth.linux.supervisor.SupervisorException;
import io.berth.oci.runtime.Resources;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;

/**
 * What clients can have done with a container that exists. What its state forbids is refused with
 * the words that containerd's clients know. Methods block, and may be called by several threads.
 */
public final class TaskCommands {
  private static final Logger LOG = System.getLogger(TaskCommands.class.getName());

  /** SIGRTMAX on Linux (signal(7)). */
  private static final int LAST_SIGNAL = 64;

  private final ContainerTask task;

  TaskCommands(ContainerTask task) {
    this.task = task;
  }

  /** Starts the init, or an exec that was added; answers its pid. */
  public int start(String execId, RequestIds requests) throws IOException {
    ContainerProcess process = task.process(execId);
    process.lock().lock();
    try {
      return execId.isEmpty() ? startInit(requests) : startExec(process, requests);
    } finally {
      process.lock().unlock();
    }
  }

  private int startInit(RequestIds requests) throws IOException {
    ContainerProcess init = task.init();
    if (!(init.state() instanceof ContainerProcess.State.Created(int pid))) {
      return startedBefore(init, requests);
    }
    Supervision supervisor = task.supervisor();
    try {
      Supervision.awaitLong(supervisor.connection().start(requests.operation(1)));
    } catch (IOException e) {
      throw FailedLaunch.of(null, e);
    }
    init.runs(pid);
    try {
      task.hooks().run(HookRunner.Point.POSTSTART, supervisor.connection(), requests);
    } catch (BerthException | PeerGone e) {
      // OCI runtime specification, "Lifecycle", step 9: a warning, and the container runs on.
      LOG.log(Level.WARNING, "task {0}: {1}", task.key(), e.getMessage());
    }
    return pid;
  }

  /**
   * A client repeats a start, under its number, if the shim process dies before it answers. Whether
   * this is such a call is known to the supervisor, which remembers what it did for which number.
   */
  private int startedBefore(ContainerProcess init, RequestIds requests) throws IOException {
    Supervision supervisor = task.supervision();
    if (supervisor != null && supervisor.connection().isOpen()) {
      try {
        Supervision.awaitLong(supervisor.connection().start(requests.operation(1)));
        return init.pid();
      } catch (SupervisorException e) {
        LOG.log(Level.DEBUG, "task {0}: a start that was not made before", task.key(), e);
      }
    }
    throw new BerthException.Unknown("cannot start a " + task.stateWord() + " process");
  }

  private int startExec(ContainerProcess process, RequestIds requests) throws IOException {
    switch (process.state()) {
      case ContainerProcess.State.Added _, ContainerProcess.State.Created _ -> {}
      case ContainerProcess.State.Running _ -> {
        return startedBefore(process, requests, "running");
      }
      case ContainerProcess.State.Stopped _, ContainerProcess.State.Deleted _ -> {
        return startedBefore(process, requests, "stopped");
      }
    }
    if (task.init().isOver()) {
      throw new BerthException.FailedPrecondition(
          "container " + task.record().id() + " init process is not running");
    }
    if (task.isPaused()) {
      throw new BerthException.Unknown("cannot start an exec in a paused container");
    }
    return ExecLaunch.launch(task, process, requests);
  }

  private int startedBefore(ContainerProcess exec, RequestIds requests, String word)
      throws IOException {
    Supervision supervisor = task.supervision();
    if (supervisor != null
        && supervisor.connection().isOpen()
        && ExecLaunch.wasMade(task, supervisor.connection(), requests)) {
      return exec.pid();
    }
    throw new BerthException.Unknown("cannot start a " + word + " process");
  }

  /** Sends a signal; with {@code all}, and only for the init, to every process of the container. */
  public void kill(String execId, int signal, boolean all, RequestIds requests) throws IOException {
    ContainerProcess process = task.process(execId);
    if (execId.isEmpty() && all) {
      killAll(signal);
      return;
    }
    if (process.endedOrNull() != null) {
      throw new BerthException.NotFound("process already finished");
    }
    if (process.pid() == 0) {
      throw new BerthException.FailedPrecondition("process not created");
    }
    try {
      Supervision.await(
          task.supervisor().connection().signal(requests.operation(1), execId, signal));
    } catch (PeerGone e) {
      throw new BerthException.NotFound("process already finished", e);
    } catch (SupervisorException e) {
      switch (e.errno()) {
        case ESRCH, ENOENT -> throw new BerthException.NotFound("process already finished", e);
        default ->
            throw new BerthException.Unknown(
                "signal " + signal + " to process " + process.pid() + ": " + e.errno().text(), e);
      }
    }
  }

  private void killAll(int signal) throws IOException {
    if (signal < 0 || signal > LAST_SIGNAL) {
      throw new BerthException.Unknown("signal " + signal + ": invalid argument");
    }
    if (signal == Signal.SIGKILL.number() && !task.isPaused()) {
      task.cgroup().killAll();
    } else {
      task.cgroup().signalAll(signal);
    }
  }

  /** The window of a process's terminal; without one, and for 0 by 0, nothing happens. */
  public void resize(String execId, int rows, int columns) throws IOException {
    ContainerProcess process = task.process(execId);
    if (process.state() instanceof ContainerProcess.State.Stopped && !execId.isEmpty()) {
      throw new BerthException.Unknown("cannot resize a stopped process");
    }
    if (!process.stdio().terminal() || process.pid() == 0 || process.isOver()) {
      return;
    }
    try {
      Supervision.await(
          task.supervisor().connection().resize(execId, new Terminal.Size(rows, columns)));
    } catch (PeerGone e) {
      LOG.log(Level.DEBUG, "task {0}: the terminal goes with its supervisor", task.key());
    } catch (SupervisorException e) {
      if (e.errno() != Errno.ENOENT) {
        throw new BerthException.Unknown("resize terminal: " + e.getMessage(), e);
      }
    }
  }

  /** The process reads the end of its input once what was written before has been read. */
  public void closeStdin(String execId) throws IOException {
    ContainerProcess process = task.process(execId);
    process.lock().lock();
    try {
      process.closeStdinOnceStarted();
      if (process.pid() == 0 || process.isOver() || task.supervision() == null) {
        return;
      }
      Supervision.await(task.supervisor().connection().closeStdin(execId));
    } catch (PeerGone e) {
      LOG.log(Level.DEBUG, "task {0}: its input goes with its supervisor", task.key());
    } catch (SupervisorException e) {
      if (e.errno() != Errno.ENOENT) {
        throw new BerthException.Unknown("close stdin: " + e.getMessage(), e);
      }
    } finally {
      process.lock().unlock();
    }
  }

  /** Stops every process; they are stopped when it returns. */
  public void pause() throws IOException {
    task.lock().lock();
    try {
      if (!task.init().isRunning() || task.isPaused()) {
        throw new BerthException.Unknown("cannot pause a " + task.stateWord() + " container");
      }
      task.cgroup().freeze();
      task.paused(true);
    } finally {
      task.lock().unlock();
    }
  }

  /** Lets the processes of a paused container go on. */
  public void resume() throws IOException {
    task.lock().lock();
    try {
      if (!task.isPaused()) {
        throw new BerthException.Unknown("cannot resume a " + task.stateWord() + " container");
      }
      task.cgroup().thaw();
      task.paused(false);
    } finally {
      task.lock().unlock();
    }
  }

  /** Changes limits; what is absent or zero stays. */
  public void update(Resources resources) throws IOException {
    task.lock().lock();
    try {
      if (task.init().isOver()) {
        throw new BerthException.Unknown("cannot update a stopped container");
      }
      task.cgroup().update(resources);
    } finally {
      task.lock().unlock();
    }
  }

  /**
   * One client may attach to a process's streams with this token.
   *
   * @throws BerthException.NotFound if it has ended, and nothing of it is kept
   * @throws BerthException.ResourceExhausted if too many clients are awaited, for too long
   */
  public void allowAttach(String execId, AttachToken token) throws IOException {
    var _ = task.process(execId);
    SupervisorConnection connection = task.supervisor().connection();
    String what = "attach to task `" + task.record().id() + "`: ";
    try {
      Supervision.awaitPlace(_ -> connection.allowAttach(execId, token.bytes(), token.validity()));
    } catch (PeerGone e) {
      throw new BerthException.NotFound("process already finished", e);
    } catch (SupervisorException e) {
      switch (e.errno()) {
        case ENOENT -> throw new BerthException.NotFound("process already finished", e);
        // Supervisors of the first protocol answered EMFILE for a full table.
        case EUSERS, EMFILE ->
            throw new BerthException.ResourceExhausted(
                what + "too many clients are about to attach to it; try again", e);
        default -> throw new BerthException.Unknown(what + e.getMessage(), e);
      }
    }
  }
}
