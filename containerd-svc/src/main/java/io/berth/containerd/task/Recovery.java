package io.berth.containerd.task;

import io.berth.api.berth.host.v1.Occurrence;
import io.berth.api.containerd.task.v3.StateRequest;
import io.berth.api.containerd.task.v3.StateResponse;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.io.AtomicFile;
import io.berth.base.io.FolderRemoval;
import io.berth.base.layout.StateFolders;
import io.berth.base.layout.TaskFolder;
import io.berth.containerd.host.HostListener;
import io.berth.containerd.host.HostPool;
import io.berth.containerd.host.HostProcess;
import io.berth.containerd.metadata.ContainerRecords;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Brings the tasks back after a restart of this service, and keeps them attached afterwards: it is
 * what the hosts tell of.
 *
 * <p>After another boot nothing of the state folder means anything: it is wiped. Otherwise each
 * task's folder is read, with its exits from the table; living hosts say what they hold, the rest
 * is adopted; what was half made is removed.
 */
@Singleton
public final class Recovery implements HostListener {
  private static final Logger LOG = System.getLogger(Recovery.class.getName());

  private final StateFolders state;
  private final Tasks tasks;
  private final Shims shims;
  private final ExitLedger ledger;
  private final ExitTable exits;
  private final HostPool pool;
  private final ContainerRecords records;
  private final BootId boot;

  @Inject
  Recovery(
      Config config,
      Tasks tasks,
      Shims shims,
      ExitLedger ledger,
      ExitTable exits,
      HostPool pool,
      ContainerRecords records,
      BootId boot) {
    this.state = new StateFolders(config.state());
    this.tasks = tasks;
    this.shims = shims;
    this.ledger = ledger;
    this.exits = exits;
    this.pool = pool;
    this.records = records;
    this.boot = boot;
  }

  /**
   * Reads what is there and follows the hosts. When it returns every task is known; those without a
   * host are being adopted, and calls on them wait for that.
   */
  public void run() throws IOException {
    wipeAfterBoot();
    exits.keepOnly(boot.text());
    state.prepareTasks();
    List<Task> orphans = new ArrayList<>();
    for (Task task : read()) {
      tasks.all().put(task.key(), task);
      orphans.add(task);
    }
    List<Task> leaving = new ArrayList<>();
    List<HostProcess> left = new ArrayList<>();
    for (HostPool.Found found : pool.find()) {
      if (found.namespace().isEmpty()) {
        continue;
      }
      for (String id : found.ids()) {
        TaskKey key = new TaskKey(found.namespace(), id);
        Task task = tasks.all().get(key);
        if (task == null) {
          continue;
        }
        pool.claim(found.host(), key);
        shims.linkTo(task, found.host());
        orphans.remove(task);
        if (found.draining()) {
          leaving.add(task);
          left.add(found.host());
        } else {
          inBackground(task, () -> learn(task));
        }
      }
    }
    pool.start(this);
    for (int i = 0; i < leaving.size(); i++) {
      Task task = leaving.get(i);
      HostProcess from = left.get(i);
      inBackground(
          task,
          () -> {
            learn(task);
            shims.moveAway(task, from);
          });
    }
    orphans.forEach(task -> inBackground(task, () -> adopt(task)));
  }

  private void wipeAfterBoot() throws IOException {
    Path file = state.boot();
    if (Files.exists(file) && Files.readString(file).strip().equals(boot.text())) {
      return;
    }
    for (Path folder : List.of(state.tasks(), state.shimProcesses())) {
      if (Files.exists(folder)) {
        LOG.log(Level.INFO, "another boot: `{0}` is wiped", folder);
        FolderRemoval.unmountBelow(folder);
        FolderRemoval.remove(folder);
      }
    }
    AtomicFile.write(file, boot.text() + "\n", "rw-------");
  }

  private List<Task> read() throws IOException {
    List<Task> result = new ArrayList<>();
    try (Stream<Path> folders = Files.list(state.tasks())) {
      for (Path each : folders.sorted().toList()) {
        TaskFolder place = new TaskFolder(each);
        TaskKey key = place.key();
        if (key == null || !key.hex().equals(String.valueOf(each.getFileName()))) {
          LOG.log(Level.WARNING, "`{0}` is no task''s folder: removed", each);
          place.delete();
          continue;
        }
        place.prepare();
        result.add(remembered(key, place));
      }
    }
    return result;
  }

  private Task remembered(TaskKey key, TaskFolder place) {
    boolean exclusive = records.contains(key) && tasks.wantsOwnHost(key);
    Task task = new Task(key, place, exclusive, place.isEphemeral(), /* recovered= */ true);
    Map<String, Exit> known = exits.of(key);
    for (String execId : place.execIds()) {
      task.addExec(execId);
    }
    for (TaskProcess process : task.processes()) {
      Exit exit = known.get(process.execId());
      if (exit != null) {
        ledger.restore(task, process, exit);
      }
    }
    int pid = place.confirmed();
    if (pid != 0) {
      task.created(pid);
    }
    return task;
  }

  private void adopt(Task task) {
    if (!shims.adoptOrphan(task)) {
      if (task.isCreating()) {
        LOG.log(Level.INFO, "task {0} was half made: removed", task.key());
        task.folder().delete();
        tasks.all().remove(task.key(), task);
      }
      return;
    }
    learn(task);
  }

  // What its processes are doing now.
  private void learn(Task task) {
    for (TaskProcess process : task.processes()) {
      StateRequest request =
          StateRequest.newBuilder().setId(task.key().id()).setExecId(process.execId()).build();
      try {
        StateResponse state = shims.call(task, stub -> stub.state(request));
        task.locked(() -> {
          process.pid = state.getPid();
          process.started |=
              state.getStatus() != Status.CREATED && state.getStatus() != Status.UNKNOWN;
        });
        if (process.isInit()) {
          task.paused(state.getStatus() == Status.PAUSED);
        }
        if (process.isInit() && task.isCreating()) {
          keepOrDrop(task, state);
        }
      } catch (BerthException e) {
        LOG.log(
            Level.WARNING, "state of {0} `{1}`: {2}", task.key(), process.execId(), e.getMessage());
      }
    }
  }

  // The service died between the shim's answer and its own.
  private static void keepOrDrop(Task task, StateResponse state) {
    task.folder().confirm(state.getPid());
    task.created(state.getPid());
  }

  private static void inBackground(Task task, Runnable work) {
    Thread.ofVirtual()
        .name("recover-" + task.key().id())
        .start(() -> {
          try {
            work.run();
          } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "recover task " + task.key(), e);
          } finally {
            task.learned();
          }
        });
  }

  @Override
  public void occurred(HostProcess host, Occurrence occurrence) {
    if (occurrence.getId().isEmpty()) {
      return;
    }
    Task task = tasks.all().get(new TaskKey(occurrence.getNamespace(), occurrence.getId()));
    if (task != null) {
      task.happenings.add(() -> ledger.happened(task, host, occurrence));
    } else if (occurrence.hasExit()) {
      ledger.acknowledge(host, occurrence);
    }
  }

  @Override
  public void lost(HostProcess host, Set<TaskKey> orphans) {
    for (TaskKey key : orphans) {
      Task task = tasks.all().get(key);
      if (task != null) {
        Thread.ofVirtual().name("adopt-" + key.id()).start(() -> shims.hostLost(task, host));
      }
    }
  }
}
