package io.berth.cli.containerd;

import com.google.protobuf.Any;
import io.berth.api.containerd.services.tasks.v1.DeleteResponse;
import io.berth.api.containerd.services.tasks.v1.DeleteTaskRequest;
import io.berth.api.containerd.services.tasks.v1.KillRequest;
import io.berth.api.containerd.services.tasks.v1.ListPidsRequest;
import io.berth.api.containerd.services.tasks.v1.ListTasksRequest;
import io.berth.api.containerd.services.tasks.v1.MetricsRequest;
import io.berth.api.containerd.services.tasks.v1.PauseTaskRequest;
import io.berth.api.containerd.services.tasks.v1.ResumeTaskRequest;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.api.containerd.services.tasks.v1.WaitRequest;
import io.berth.api.containerd.types.Metric;
import io.berth.api.containerd.v1.types.Process;
import io.berth.api.containerd.v1.types.ProcessInfo;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.Anys;
import io.berth.cli.command.ListingCommand;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.render.Listing;
import io.berth.cli.session.Session;
import io.berth.linux.Signal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The verbs on tasks, which are the running processes of containers. */
public final class TasksGroup {
  private TasksGroup() {}

  /** Lists tasks. */
  @Command(description = "List them")
  public static final class Ls extends ListingCommand<Process> {
    @Override
    protected List<Process> list(Session session) {
      refuseFilters("tasks");
      return session
          .call(TasksGrpc.getListMethod(), ListTasksRequest.getDefaultInstance())
          .getTasksList();
    }

    @Override
    protected String key(Process task) {
      return task.getId();
    }

    @Override
    protected Listing listing() {
      return new Listing(List.of("TASK", "PID", "STATUS"), List.of("ID", "Pid", "Status"));
    }

    @Override
    protected void add(Listing listing, Process task, Instant now) {
      listing.add(task.getId(), String.valueOf(task.getPid()), task.getStatus().name());
    }
  }

  /**
   * Sends a signal; by default SIGTERM, as containerd's own client does, where docker's verb sends
   * SIGKILL.
   */
  @Command(description = "Send a signal (default: SIGTERM)")
  public static final class Kill extends SessionCommand {
    @Option(
        names = {"-s", "--signal"},
        paramLabel = "SIGNAL",
        description = "Name or number")
    String signal = "SIGTERM";

    @Option(
        names = {"-a", "--all"},
        description = "To all processes inside")
    boolean all;

    @Option(names = "--exec-id", paramLabel = "ID", description = "To this exec")
    String exec = "";

    @Parameters(paramLabel = "ID", description = "Of the container")
    String id = "";

    @Override
    public int run(Session session) {
      int number =
          Signal.parse(signal)
              .orElseThrow(() ->
                  new BerthException.InvalidArgument("signal `" + signal + "`: no such signal"));
      KillRequest request =
          KillRequest.newBuilder()
              .setContainerId(id)
              .setExecId(exec)
              .setSignal(number)
              .setAll(all)
              .build();
      session.call(TasksGrpc.getKillMethod(), request);
      return 0;
    }
  }

  /** Lists the processes of a task. */
  @Command(description = "Processes inside")
  public static final class Ps extends ListingCommand<ProcessInfo> {
    @Parameters(paramLabel = "ID", description = "Of the container")
    String id = "";

    @Override
    protected List<ProcessInfo> list(Session session) {
      refuseFilters("processes");
      ListPidsRequest request = ListPidsRequest.newBuilder().setContainerId(id).build();
      return session.call(TasksGrpc.getListPidsMethod(), request).getProcessesList();
    }

    @Override
    protected String key(ProcessInfo process) {
      return String.valueOf(process.getPid());
    }

    @Override
    protected Listing listing() {
      return new Listing(List.of("PID", "INFO"), List.of("Pid", "Info"));
    }

    @Override
    protected void add(Listing listing, ProcessInfo process, Instant now) {
      listing.add(key(process), process.hasInfo() ? process.getInfo().getTypeUrl() : "-");
    }
  }

  /** Freezes tasks. */
  @Command(description = "Freeze")
  public static final class Pause extends SessionCommand {
    @Parameters(arity = "1..*", paramLabel = "ID", description = "Of the container")
    List<String> ids = new ArrayList<>();

    @Override
    public int run(Session session) {
      return each(
          session,
          ids,
          id -> {
            PauseTaskRequest request = PauseTaskRequest.newBuilder().setContainerId(id).build();
            session.call(TasksGrpc.getPauseMethod(), request);
          });
    }
  }

  /** Lets frozen tasks go on. */
  @Command(description = "Let go on")
  public static final class Resume extends SessionCommand {
    @Parameters(arity = "1..*", paramLabel = "ID", description = "Of the container")
    List<String> ids = new ArrayList<>();

    @Override
    public int run(Session session) {
      return each(
          session,
          ids,
          id -> {
            ResumeTaskRequest request = ResumeTaskRequest.newBuilder().setContainerId(id).build();
            session.call(TasksGrpc.getResumeMethod(), request);
          });
    }
  }

  /** Prints what the kernel has counted for a task. */
  @Command(description = "What the kernel counted")
  public static final class Metrics extends SessionCommand {
    @Parameters(paramLabel = "ID", description = "Of the container")
    String id = "";

    @Override
    public int run(Session session) {
      for (Metric metric :
          session
              .call(
                  TasksGrpc.getMetricsMethod(),
                  MetricsRequest.newBuilder().addFilters("id==" + id).build())
              .getMetricsList()) {
        session.out().println(metric.getId() + ":");
        session.out().print(text(metric.getData()));
      }
      return 0;
    }

    private static String text(Any data) {
      if (Anys.is(data, "io.containerd.cgroups.v1.Metrics")) {
        return Anys.unpack(
                data,
                "io.containerd.cgroups.v1.Metrics",
                io.berth.api.io.containerd.cgroups.v1.Metrics.parser())
            .toString();
      }
      return Anys.unpack(
              data,
              "io.containerd.cgroups.v2.Metrics",
              io.berth.api.io.containerd.cgroups.v2.Metrics.parser())
          .toString();
    }
  }

  /** Blocks until a task has ended, and prints its exit code. */
  @Command(description = "Block until it ends; print the exit code")
  public static final class Wait extends SessionCommand {
    @Parameters(paramLabel = "ID", description = "Of the container")
    String id = "";

    @Override
    public int run(Session session) {
      int status =
          session
              .call(TasksGrpc.getWaitMethod(), WaitRequest.newBuilder().setContainerId(id).build())
              .getExitStatus();
      session.out().println(status);
      return 0;
    }
  }

  /** Deletes tasks that have ended; an exit code of one that is not 0 is told on standard error. */
  @Command(description = "Delete ended tasks")
  public static final class Rm extends SessionCommand {
    @Option(
        names = {"-f", "--force"},
        description = "Kill what runs")
    boolean force;

    @Parameters(arity = "1..*", paramLabel = "ID", description = "Of the container")
    List<String> ids = new ArrayList<>();

    @Override
    public int run(Session session) {
      return each(session, ids, id -> delete(session, id));
    }

    private void delete(Session session, String id) {
      if (force) {
        kill(session, id);
      }
      DeleteResponse gone =
          session.call(
              TasksGrpc.getDeleteMethod(),
              DeleteTaskRequest.newBuilder().setContainerId(id).build());
      if (gone.getExitStatus() != 0) {
        session
            .err()
            .println("task " + id + " exited with non-zero exit code " + gone.getExitStatus());
      }
    }

    private static void kill(Session session, String id) {
      KillRequest request =
          KillRequest.newBuilder()
              .setContainerId(id)
              .setSignal(Signal.SIGKILL.number())
              .setAll(true)
              .build();
      try {
        session.call(TasksGrpc.getKillMethod(), request);
      } catch (BerthException.NotFound e) {
        // The task has ended already or never was; the call to delete it tells.
        return;
      }
      session.call(TasksGrpc.getWaitMethod(), WaitRequest.newBuilder().setContainerId(id).build());
    }
  }
}
