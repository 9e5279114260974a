package io.berth.containerd.container;

import com.google.protobuf.ByteString;
import io.berth.api.berth.container.v1.AttachResponse;
import io.berth.api.berth.container.v1.ExecCreateRequest;
import io.berth.api.berth.container.v1.ExecCreateResponse;
import io.berth.api.berth.container.v1.ExecStartResponse;
import io.berth.api.berth.container.v1.User;
import io.berth.api.berth.container.v1.WaitResponse;
import io.berth.api.berth.image.v1.LookUpUserRequest;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.rpc.Anys;
import io.berth.containerd.name.ContainerId;
import io.berth.containerd.record.ContainerRecords;
import io.berth.containerd.spec.ExecProcess;
import io.berth.containerd.spec.SpecJson;
import io.berth.containerd.task.Exit;
import io.berth.containerd.task.Stdio;
import io.berth.containerd.task.Tasks;
import io.berth.containerd.time.Timestamps;
import io.berth.oci.runtime.ProcessSpec;
import io.berth.oci.runtime.RuntimeSpec;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
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

  private final ContainerRecords records;
  private final Surroundings surroundings;
  private final ContainerLife life;
  private final Tasks tasks;
  private final SecureRandom random = new SecureRandom();
  private final Map<String, Terms> terms = new ConcurrentHashMap<>();
  private final Map<String, Exit> remembered = new LinkedHashMap<>();

  @Inject
  ContainerExecs(
      ContainerRecords records, Surroundings surroundings, ContainerLife life, Tasks tasks) {
    this.records = records;
    this.surroundings = surroundings;
    this.life = life;
    this.tasks = tasks;
  }

  /** What its creator said. */
  private record Terms(boolean attach, boolean tty, boolean stdin, int rows, int columns) {}

  ExecCreateResponse create(NamedContainer container, ExecCreateRequest request) {
    TaskKey key = container.key();
    checkRunning(container);
    RuntimeSpec spec =
        RuntimeSpec.read(
            records.get(key).getSpec().getValue().toByteArray(),
            "specification of container `" + container.name() + "`");
    ProcessSpec init = Objects.requireNonNull(spec.process(), "a container of ours has a process");
    ProcessSpec process =
        ExecProcess.of(
            request,
            init,
            container.described().getConfig(),
            user(container, request, init, spec),
            surroundings.hostFacts().capabilities());
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
    terms.put(
        execId,
        new Terms(
            attach || request.getOpenStdin(),
            request.getTty(),
            request.getOpenStdin(),
            request.getRows(),
            request.getColumns()));
    return ExecCreateResponse.newBuilder().setExecId(execId).build();
  }

  private void checkRunning(NamedContainer container) {
    Tasks.Glance glance = tasks.glance(container.key());
    if (glance == null || !glance.running()) {
      throw new BerthException.FailedPrecondition(
          "exec in container `" + container.name() + "`: it is not running; start it first");
    }
    if (glance.paused()) {
      throw new BerthException.FailedPrecondition(
          "exec in container `" + container.name() + "`: it is paused; unpause it first");
    }
  }

  private User user(
      NamedContainer container, ExecCreateRequest request, ProcessSpec init, RuntimeSpec spec) {
    if (request.getUser().isEmpty()) {
      User.Builder own =
          User.newBuilder().setUid((int) init.user().uid()).setGid((int) init.user().gid());
      init.user().additionalGids().forEach(group -> own.addGroups(group.intValue()));
      return own.build();
    }
    String rootfs =
        container.described().getSnapshotKey().isEmpty() && spec.root() != null
            ? spec.root().path()
            : "";
    return surroundings
        .images()
        .user(
            container.key().namespace(),
            LookUpUserRequest.newBuilder()
                .setSnapshotter(container.described().getSnapshotter())
                .setKey(container.described().getSnapshotKey())
                .setRootfs(rootfs)
                .setUser(request.getUser())
                .build());
  }

  ExecStartResponse start(NamedContainer container, String execId) {
    TaskKey key = container.key();
    Terms agreed = terms.get(execId);
    int pid = tasks.start(key, execId);
    ExecStartResponse.Builder answer = ExecStartResponse.newBuilder().setPid(pid);
    if (agreed != null && agreed.attach()) {
      if (agreed.tty() && agreed.rows() > 0 && agreed.columns() > 0) {
        tasks.resize(key, execId, agreed.rows(), agreed.columns());
      }
      AttachResponse attach = life.allowAttach(container, execId);
      answer.setAttach(attach.toBuilder().setTty(agreed.tty()).setStdin(agreed.stdin()).build());
    }
    Thread.ofVirtual()
        .name("exec-" + execId)
        .start(() -> takeAway(key, execId, agreed != null && agreed.attach()));
    return answer.build();
  }

  private void takeAway(TaskKey key, String execId, boolean attached) {
    try {
      Exit exit = tasks.await(key, execId);
      remember(execId, exit);
      terms.remove(execId);
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

  private void remember(String execId, Exit exit) {
    synchronized (remembered) {
      remembered.put(execId, exit);
      if (remembered.size() > MAX_REMEMBERED) {
        remembered.remove(remembered.keySet().iterator().next());
      }
    }
  }

  /** Blocks until it has ended. */
  WaitResponse await(NamedContainer container, String execId) throws InterruptedException {
    Exit exit = known(execId);
    if (exit == null) {
      try {
        exit = tasks.await(container.key(), execId);
      } catch (BerthException.NotFound e) {
        exit = known(execId);
        if (exit == null) {
          throw e;
        }
      }
    }
    return WaitResponse.newBuilder()
        .setStatus(exit.status())
        .setAt(Timestamps.of(exit.at()))
        .setOomKilled(exit.oomKilled())
        .build();
  }

  private @Nullable Exit known(String execId) {
    synchronized (remembered) {
      return remembered.get(execId);
    }
  }
}
