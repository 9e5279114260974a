package io.berth.containerd.api;

import com.google.protobuf.ByteString;
import io.berth.api.berth.container.v1.AttachResponse;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ExecInspectResponse;
import io.berth.api.berth.container.v1.Health;
import io.berth.api.berth.container.v1.HealthResult;
import io.berth.api.berth.container.v1.InfoResponse;
import io.berth.api.berth.container.v1.LogRecord;
import io.berth.api.berth.container.v1.Process;
import io.berth.api.berth.container.v1.PruneResponse;
import io.berth.api.berth.container.v1.RunResponse;
import io.berth.api.berth.container.v1.StartResponse;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.StateInfo;
import io.berth.api.berth.container.v1.TopResponse;
import io.berth.api.berth.container.v1.WaitResponse;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.api.message.DescriptionMessages;
import io.berth.containerd.api.message.HostMessages;
import io.berth.containerd.container.AttachGrant;
import io.berth.containerd.container.ContainerExecs;
import io.berth.containerd.container.ContainerQueries;
import io.berth.containerd.container.ContainerRemoval;
import io.berth.containerd.container.ContainerRuns;
import io.berth.containerd.container.ContainerStatus;
import io.berth.containerd.container.Ending;
import io.berth.containerd.container.ProcessUsage;
import io.berth.containerd.container.PsTable;
import io.berth.containerd.container.RunState;
import io.berth.containerd.container.Started;
import io.berth.containerd.health.HealthState;
import io.berth.containerd.log.LogEntry;
import io.berth.containerd.settings.ExecSettings;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What {@code berth.container.v1.Containers} answers, from the records of the domain. */
final class ContainerAnswers {
  private ContainerAnswers() {}

  static Container of(ContainerStatus seen) {
    Container.Builder message =
        DescriptionMessages.write(seen.described().withEndpoint(seen.endpoint()))
            .setState(of(seen.run()))
            .setRestartCount(seen.restarts())
            .addAllExecIds(seen.execs())
            .setSizeRw(seen.sizes().own())
            .setSizeRoot(seen.sizes().whole());
    seen.mounts().forEach(mount -> message.addMounts(HostMessages.write(mount)));
    return message.build();
  }

  private static StateInfo of(ContainerStatus.Run run) {
    StateInfo.Builder message =
        StateInfo.newBuilder()
            .setState(of(run.state()))
            .setPid(run.pid())
            .setExitCode(run.exitCode())
            .setError(run.error())
            .setOomKilled(run.oomKilled());
    Instant started = run.startedAt();
    if (started != null) {
      message.setStartedAt(Timestamps.of(started));
    }
    Instant finished = run.finishedAt();
    if (finished != null) {
      message.setFinishedAt(Timestamps.of(finished));
    }
    HealthState health = run.health();
    return health == null ? message.build() : message.setHealth(of(health)).build();
  }

  private static State of(RunState state) {
    return switch (state) {
      case CREATED -> State.STATE_CREATED;
      case RUNNING -> State.STATE_RUNNING;
      case PAUSED -> State.STATE_PAUSED;
      case RESTARTING -> State.STATE_RESTARTING;
      case REMOVING -> State.STATE_REMOVING;
      case EXITED -> State.STATE_EXITED;
    };
  }

  private static Health of(HealthState state) {
    Health.Builder message =
        Health.newBuilder()
            .setStatus(state.status().word())
            .setFailingStreak(state.failingStreak());
    for (HealthState.Result each : state.log()) {
      message.addLog(
          HealthResult.newBuilder()
              .setStart(Timestamps.of(HealthState.instant(each.start())))
              .setEnd(Timestamps.of(HealthState.instant(each.end())))
              .setExitCode(each.exitCode())
              .setOutput(each.output()));
    }
    return message.build();
  }

  static StartResponse of(Started started) {
    return StartResponse.newBuilder().setAlready(started.already()).setPid(started.pid()).build();
  }

  static RunResponse of(ContainerRuns.Run run) {
    Started started = run.started();
    RunResponse.Builder message =
        RunResponse.newBuilder()
            .setId(run.key().id())
            .setName(run.name())
            .setPid(started.pid())
            .setAlready(started.already())
            .addAllWarnings(run.warnings());
    AttachGrant attachment = started.attachment();
    return attachment == null ? message.build() : message.setAttach(of(attachment)).build();
  }

  static AttachResponse of(AttachGrant attachment) {
    return AttachResponse.newBuilder()
        .setSocket(attachment.socket().toString())
        .setToken(ByteString.copyFrom(attachment.token()))
        .setTty(attachment.terminal())
        .setStdin(attachment.openInput())
        .setExecId(attachment.execId())
        .build();
  }

  static WaitResponse of(Ending ending) {
    return WaitResponse.newBuilder()
        .setStatus(ending.status())
        .setAt(Timestamps.of(ending.at()))
        .setError(ending.error())
        .setOomKilled(ending.oomKilled())
        .build();
  }

  static TopResponse processes(List<ProcessUsage> processes) {
    TopResponse.Builder message = TopResponse.newBuilder();
    processes.forEach(process -> message.addProcesses(of(process)));
    return message.build();
  }

  static TopResponse of(PsTable table) {
    TopResponse.Builder message = TopResponse.newBuilder().addAllTitles(table.titles());
    table.rows().forEach(row -> message.addRows(TopResponse.Row.newBuilder().addAllCells(row)));
    return message.build();
  }

  private static Process of(ProcessUsage process) {
    return Process.newBuilder()
        .setPid(process.pid())
        .setPpid(process.ppid())
        .setUid(process.uid())
        .setStartedAt(Timestamps.of(process.startedAt()))
        .setCpuMs(process.cpuMillis())
        .setCommand(process.command())
        .setExecId(process.execId())
        .build();
  }

  static LogRecord of(LogEntry entry) {
    return LogRecord.newBuilder()
        .setAt(Timestamps.of(entry.at()))
        .setStderr(entry.stderr())
        .setLine(ByteString.copyFrom(entry.line()))
        .setPartial(entry.partial())
        .build();
  }

  static ExecInspectResponse of(ContainerExecs.Report report) {
    ExecInspectResponse.Builder message =
        ExecInspectResponse.newBuilder()
            .setExecId(report.execId())
            .setContainerId(report.containerId())
            .setRunning(report.running())
            .setPid(report.pid());
    @Nullable Integer exitCode = report.exitCode();
    if (exitCode != null) {
      message.setExitCode(exitCode);
    }
    ExecSettings wish = report.wish();
    if (wish != null) {
      message
          .addAllCmd(wish.command())
          .setTty(wish.terminal())
          .setUser(wish.user())
          .setPrivileged(wish.privileged())
          .setOpenStdin(wish.openInput());
    }
    return message.build();
  }

  static InfoResponse of(ContainerQueries.Overview overview) {
    return InfoResponse.newBuilder()
        .setContainers(overview.running() + overview.paused() + overview.stopped())
        .setRunning(overview.running())
        .setPaused(overview.paused())
        .setStopped(overview.stopped())
        .setRoot(overview.config().root().toString())
        .setState(overview.config().state().toString())
        .setInstance(overview.config().instance())
        .setIsolation(overview.isolation())
        .setCgroups(overview.cgroups())
        .setShimProcesses(overview.shimProcesses())
        .setOverlayLayers(overview.overlayLayers())
        .setApparmor(overview.appArmor())
        .setVersion(overview.version())
        .addAllWarnings(FeatureAnswers.warnings())
        .build();
  }

  static PruneResponse of(ContainerRemoval.Pruned pruned) {
    return PruneResponse.newBuilder().addAllIds(pruned.ids()).setBytes(pruned.bytes()).build();
  }
}
