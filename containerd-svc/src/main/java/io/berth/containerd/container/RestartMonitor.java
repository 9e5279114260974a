package io.berth.containerd.container;

import com.google.protobuf.Any;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.RootfsMount;
import io.berth.base.layout.Stdio;
import io.berth.base.time.Sleeper;
import io.berth.containerd.metadata.ContainerRecord;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.settings.RootFilesystem;
import io.berth.containerd.task.Tasks;
import io.berth.linux.Signal;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps containers of containerd's clients as their labels {@code containerd.io/restart.*} want
 * them, as containerd's restart monitor does: looks at all of them every few seconds, starts those
 * that are to run and ends those that are not. Containers by name have policies of their own and
 * are left alone. Thread-safe.
 */
@Singleton
final class RestartMonitor {
  private static final Logger LOG = System.getLogger(RestartMonitor.class.getName());
  private static final Duration KILL_PATIENCE = Duration.ofSeconds(10);

  private final Sleeper sleeper;
  private final NamedContainers named;
  private final ContainerRecords records;
  private final Surroundings surroundings;
  private final Tasks tasks;
  private final Suspension suspension;
  private final Duration interval;
  private final RestartLogs logs;

  /** Containers that are being started or ended. */
  private final Set<TaskKey> underWay = ConcurrentHashMap.newKeySet();

  private volatile boolean stopped;

  @Inject
  RestartMonitor(
      Config config,
      Sleeper sleeper,
      NamedContainers named,
      ContainerRecords records,
      Surroundings surroundings,
      Tasks tasks,
      Suspension suspension) {
    this.sleeper = sleeper;
    this.named = named;
    this.records = records;
    this.surroundings = surroundings;
    this.tasks = tasks;
    this.suspension = suspension;
    this.interval = Duration.ofSeconds(config.number(Key.CONTAINERD_RESTART_INTERVAL));
    this.logs = new RestartLogs(config.texts(Key.CONTAINERD_RESTART_LOGS));
  }

  /** Looks from now on, until {@link #stop}; not at all if the interval is 0. */
  void start() {
    if (interval.isPositive()) {
      Thread.ofVirtual().name("restart-monitor").start(this::watch);
    }
  }

  /** Nothing is started or ended any more. */
  void stop() {
    stopped = true;
  }

  /** Whether containers are being started or ended. */
  boolean isAtWork() {
    return !underWay.isEmpty();
  }

  private void watch() {
    while (sleeper.pause(interval) && !stopped) {
      try {
        if (!suspension.isOn()) {
          look();
        }
      } catch (RuntimeException e) {
        LOG.log(Level.WARNING, "look for containers to restart: {0}", e.getMessage());
      }
    }
  }

  private void look() {
    records
        .withLabel(RestartLabels.STATUS)
        .forEach((key, record) -> {
          RestartLabels wanted = RestartLabels.of(record.labels());
          if (wanted != null && isOff(key, wanted) && underWay.add(key)) {
            Thread.ofVirtual().name("restart-" + key.id()).start(() -> mend(key, record, wanted));
          }
        });
  }

  /** Whether it is not as it is wanted. A task that was made and not started has a client. */
  private boolean isOff(TaskKey key, RestartLabels wanted) {
    if (named.find(key) != null) {
      return false;
    }
    Tasks.Glance glance = tasks.glance(key);
    if (glance == null) {
      return wanted.wantsStart(null);
    }
    if (!wanted.running()) {
      return glance.running();
    }
    return glance.exit() != null && wanted.wantsStart(glance.exit());
  }

  private void mend(TaskKey key, ContainerRecord record, RestartLabels wanted) {
    try {
      if (wanted.running()) {
        start(key, record, wanted);
      } else {
        end(key);
      }
    } catch (RuntimeException e) {
      LOG.log(Level.WARNING, "restart container \"{0}\": {1}", key.id(), e.getMessage());
    } finally {
      underWay.remove(key);
    }
  }

  /**
   * What may fail or must be waited for comes first: an attempt that is counted has taken the old
   * task away and makes a new one.
   */
  private void start(TaskKey key, ContainerRecord record, RestartLabels wanted) {
    tasks.checkPlace();
    ContainerRecord.Rootfs rootfs = record.rootfs();
    List<RootfsMount> mounts =
        rootfs.key().isEmpty()
            ? List.of()
            : surroundings
                .images()
                .mounts(
                    key.namespace(), new RootFilesystem(rootfs.snapshotter(), rootfs.key(), ""));
    String log = log(key, wanted);
    Tasks.Glance old = tasks.glance(key);
    if (old != null && old.exit() == null) {
      // A client has made a task meanwhile, and it is the client's.
      return;
    }
    if (stopped || suspension.isOn()) {
      return;
    }
    Map<String, String> labels = new LinkedHashMap<>(record.labels());
    labels.put(RestartLabels.COUNT, Integer.toString(wanted.count() + 1));
    var _ =
        records.update(
            key.namespace(), record.withLabels(labels), List.of("labels." + RestartLabels.COUNT));
    if (old != null) {
      delete(key);
    }
    var _ =
        tasks.create(
            new Tasks.Creation(
                key,
                mounts,
                new Stdio("", log, log, false),
                Any.getDefaultInstance(),
                "",
                /* attach= */ null));
    var _ = tasks.start(key, "");
  }

  /** Where the output goes; nowhere, and that is told, if the label leads where it may not. */
  private String log(TaskKey key, RestartLabels wanted) {
    if (wanted.log().isEmpty()) {
      return "";
    }
    try {
      return logs.check(wanted.log());
    } catch (BerthException.PermissionDenied e) {
      LOG.log(Level.WARNING, "container \"{0}\": {1}", key.id(), e.getMessage());
      return "";
    }
  }

  private void delete(TaskKey key) {
    try {
      var _ = tasks.delete(key);
    } catch (BerthException.NotFound e) {
      LOG.log(Level.DEBUG, "task {0} was deleted by somebody else", key);
    }
  }

  /** Takes the task away, whatever it does. */
  private void end(TaskKey key) {
    try {
      if (tasks.exitOf(key) == null && tasks.isPresent(key)) {
        tasks.kill(key, "", Signal.SIGKILL.number(), /* all= */ true);
        var _ = tasks.await(key, "", KILL_PATIENCE);
      }
      delete(key);
    } catch (BerthException.NotFound e) {
      LOG.log(Level.DEBUG, "end {0}: {1}", key, e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("end task " + key.id() + ": interrupted", e);
    }
  }
}
