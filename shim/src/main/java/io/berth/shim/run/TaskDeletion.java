package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.base.layout.TaskRecord;
import io.berth.base.time.Sleeper;
import io.berth.linux.Errno;
import io.berth.linux.MountFlags;
import io.berth.linux.Mounts;
import io.berth.linux.Signal;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.PeerGone;
import io.berth.linux.supervisor.SupervisorConnection;
import io.berth.linux.supervisor.SupervisorException;
import io.berth.shim.cgroup.Cgroup;
import io.berth.shim.stdio.Stream;
import io.berth.shim.stdio.StreamUris;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Undoes a container that does not run. What is left afterwards is the folder with its bundle. */
public final class TaskDeletion {
  private static final Logger LOG = System.getLogger(TaskDeletion.class.getName());

  /**
   * How long output is waited for that a client reads. Clients read to the end before they delete,
   * so what is unread by then has no reader.
   */
  private static final long DRAIN_CLIENT_MILLIS = 20;

  /** The same for a file: a log may not lose its end because the machine is busy. */
  private static final long DRAIN_FILE_MILLIS = 10_000;

  /** The same for an exec, for what it left running in the container may hold its output open. */
  private static final long DRAIN_EXEC_MILLIS = 1_000;

  /**
   * How long a client is waited for that was told to come for an exec's output. Until then it has
   * come, or it has died.
   */
  private static final Duration CLIENT_COMES = Duration.ofSeconds(5);

  private static final Duration CLIENT_PAUSE = Duration.ofMillis(10);
  private static final long KILL_SECONDS = 10;
  private static final long SUPERVISOR_END_MILLIS = 3000;

  private TaskDeletion() {}

  /**
   * Deletes the task and answers how its init ended. Output that a client has not read is dropped;
   * what goes to a log gets there, within 10 s.
   *
   * @throws BerthException.Unknown while the init runs
   * @throws BerthException.NotFound if it has been deleted
   */
  public static ContainerProcess.Ended delete(ContainerTask task, RequestIds requests)
      throws IOException {
    ContainerProcess init = task.init();
    task.lock().lock();
    init.lock().lock();
    try {
      if (init.isRunning()) {
        throw new BerthException.Unknown("cannot delete a " + task.stateWord() + " process");
      }
      if (init.state() instanceof ContainerProcess.State.Deleted) {
        throw new BerthException.NotFound("task `" + task.record().id() + "`");
      }
      if (init.state() instanceof ContainerProcess.State.Created) {
        killCreated(task, requests);
      }
      // The processes go first, for one that lives on may hold the pipes open.
      task.cgroup().killAll();
      Supervision supervisor = task.supervision();
      if (supervisor != null && supervisor.connection().isOpen()) {
        drain(task, init);
        awaitClients(task, task.execs().all(), CLIENT_COMES);
      }
      CompletableFuture<Void> ending = null;
      if (supervisor != null && supervisor.connection().isOpen()) {
        ending = end(task, supervisor, requests);
      }
      // This need not wait for the supervisor, which lives in a cgroup of its own.
      unmountRoot(task.record());
      removeCgroup(task.services(), task.cgroup());
      if (supervisor != null && ending != null) {
        awaitEnd(task.services(), supervisor, ending);
      }
      // The files go last, for until then the exit record is what tells of the end.
      task.folder().deleteWhatShimsMade();
      init.isDeleted();
      ContainerProcess.Ended ended = init.endedOrNull();
      return ended == null
          ? new ContainerProcess.Ended(
              128 + Signal.SIGKILL.number(), Instant.now(), /* outOfMemory= */ false, false)
          : ended;
    } finally {
      init.lock().unlock();
      task.lock().unlock();
    }
  }

  /**
   * Removes a container's cgroup, and below the instance's own also the folder that all containers
   * of a namespace share, once that is empty.
   */
  static void removeCgroup(ShimProcessServices services, Cgroup cgroup) throws IOException {
    cgroup.remove();
    String own = "/" + services.config().cgroupParent() + "/";
    String path = cgroup.path().text();
    if (path.startsWith(own) && path.indexOf('/', own.length()) > 0) {
      cgroup.removeEmptyParent();
    }
  }

  private static void killCreated(ContainerTask task, RequestIds requests) throws IOException {
    Supervision supervisor = task.supervision();
    if (supervisor == null) {
      return;
    }
    try {
      Supervision.await(
          supervisor.connection().signal(requests.operation(2), "", Signal.SIGKILL.number()));
    } catch (PeerGone e) {
      LOG.log(Level.DEBUG, "task {0}: the kernel ends it with its supervisor", task.key());
      return;
    } catch (SupervisorException e) {
      if (e.errno() != Errno.ESRCH && e.errno() != Errno.ENOENT) {
        throw new BerthException.Unknown("delete created process: " + e.getMessage(), e);
      }
    }
    try {
      task.init().ended().copy().orTimeout(KILL_SECONDS, TimeUnit.SECONDS).join();
    } catch (CompletionException e) {
      throw new BerthException.Unknown("delete created process: it does not end", e);
    }
  }

  /** Lets the rest of the output go out; what nobody takes is dropped. */
  static void drain(ContainerTask task, ContainerProcess process) throws IOException {
    try {
      long patience =
          isReadByClient(process)
              ? DRAIN_CLIENT_MILLIS
              : process.id().isEmpty() ? DRAIN_FILE_MILLIS : DRAIN_EXEC_MILLIS;
      process.drained().copy().orTimeout(patience, TimeUnit.MILLISECONDS).join();
    } catch (CompletionException nobodyReads) {
      LOG.log(Level.DEBUG, "task {0}: output that nobody reads is dropped", task.key());
      try {
        Supervision.await(task.supervisor().connection().dropOutput(process.id()));
      } catch (SupervisorException | PeerGone e) {
        LOG.log(Level.DEBUG, "drop output: {0}", e.getMessage());
      }
    }
  }

  /**
   * Waits until the supervisor has passed on what processes that end wrote, and told their end, to
   * whomever that was promised to; what has not been promised yet is still held there.
   */
  static void awaitClients(ContainerTask task, List<ContainerProcess> processes, Duration patience)
      throws IOException {
    Set<String> awaited =
        processes.stream()
            .filter(process -> process.pid() != 0 && isAttachable(process))
            .map(ContainerProcess::id)
            .collect(Collectors.toSet());
    long end = System.nanoTime() + patience.toNanos();
    Supervision supervisor = task.supervision();
    while (!awaited.isEmpty()
        && supervisor != null
        && supervisor.connection().isOpen()
        && System.nanoTime() < end) {
      awaited.retainAll(unsettled(supervisor.connection()));
      if (!awaited.isEmpty()) {
        var _ = Sleeper.SYSTEM.pause(CLIENT_PAUSE);
      }
    }
  }

  /** Whose output it still has to pass on; where it has ended, nobody's. */
  private static Set<String> unsettled(SupervisorConnection supervisor) throws IOException {
    try {
      return Supervision.await(supervisor.state()).processes().stream()
          .filter(process -> !process.drained())
          .map(SupervisorConnection.ProcessState::id)
          .collect(Collectors.toSet());
    } catch (PeerGone e) {
      return Set.of();
    }
  }

  private static boolean isAttachable(ContainerProcess process) {
    return StreamUris.of(process.stdio()).stream().anyMatch(Stream.Attachable.class::isInstance);
  }

  private static boolean isReadByClient(ContainerProcess process) {
    List<Stream> streams = StreamUris.of(process.stdio());
    return streams.subList(1, streams.size()).stream()
        .anyMatch(to -> to instanceof Stream.Fifo || to instanceof Stream.Attachable);
  }

  /** Runs the hooks of the end and tells the supervisor to end. */
  private static CompletableFuture<Void> end(
      ContainerTask task, Supervision supervisor, RequestIds requests) throws IOException {
    try {
      task.hooks().run(HookRunner.Point.POSTSTOP, supervisor.connection(), requests);
    } catch (BerthException | PeerGone e) {
      // OCI runtime specification, "Lifecycle", step 13: a warning, and the deletion goes on.
      LOG.log(Level.WARNING, "task {0}: {1}", task.key(), e.getMessage());
    }
    task.isEnding();
    return supervisor.connection().shutdown(/* force= */ true);
  }

  /** Ends the supervisor with all that it still has, and waits for it. */
  static void shutDown(ShimProcessServices services, Supervision supervisor) {
    awaitEnd(services, supervisor, supervisor.connection().shutdown(/* force= */ true));
  }

  private static void awaitEnd(
      ShimProcessServices services, Supervision supervisor, CompletableFuture<Void> ending) {
    try {
      Supervision.await(ending);
    } catch (IOException | BerthException e) {
      LOG.log(Level.DEBUG, "shut supervisor down: {0}", e.getMessage());
    }
    if (!supervisor.awaitEnd(services.poller(), SUPERVISOR_END_MILLIS)) {
      LOG.log(Level.WARNING, "supervisor {0} does not end", supervisor.pid());
    }
  }

  /** Unmounts a root that hooks had to see, and that is mounted for the whole machine so. */
  static void unmountRoot(TaskRecord record) {
    if (record.hostRootfs().isEmpty()) {
      return;
    }
    try {
      Mounts.unmount(
          Path.of(record.hostRootfs()), MountFlags.MNT_DETACH | MountFlags.UMOUNT_NOFOLLOW);
    } catch (SyscallException e) {
      if (!e.is(Errno.EINVAL) && !e.is(Errno.ENOENT)) {
        LOG.log(Level.WARNING, "unmount `{0}`: {1}", record.hostRootfs(), e.getMessage());
      }
    }
  }
}
