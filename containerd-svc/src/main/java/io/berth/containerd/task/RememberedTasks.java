package io.berth.containerd.task;

import io.berth.base.config.Config;
import io.berth.base.id.TaskKey;
import io.berth.base.io.AtomicFile;
import io.berth.base.io.FolderRemoval;
import io.berth.base.layout.StateFolders;
import io.berth.base.layout.TaskFolder;
import jakarta.inject.Inject;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The tasks of earlier lives of this service, as their folders and the table of exits tell of them.
 * After another boot of the machine nothing of the state folder means anything: it is wiped.
 */
final class RememberedTasks {
  private static final Logger LOG = System.getLogger(RememberedTasks.class.getName());

  private final StateFolders folders;
  private final Isolation isolation;
  private final ExitTable exits;
  private final BootId boot;

  @Inject
  RememberedTasks(Config config, Isolation isolation, ExitTable exits, BootId boot) {
    this.folders = new StateFolders(config.state());
    this.isolation = isolation;
    this.exits = exits;
    this.boot = boot;
  }

  /** Forgets what an earlier boot left, and answers what this one did. */
  List<Task> read() throws IOException {
    wipeAfterBoot();
    exits.keepOnly(boot.text());
    folders.prepareTasks();
    List<Task> result = new ArrayList<>();
    try (Stream<Path> all = Files.list(folders.tasks())) {
      for (Path each : all.sorted().toList()) {
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

  private void wipeAfterBoot() throws IOException {
    Path file = folders.boot();
    if (Files.exists(file) && Files.readString(file).strip().equals(boot.text())) {
      return;
    }
    for (Path folder : List.of(folders.tasks(), folders.shimProcesses())) {
      if (Files.exists(folder)) {
        LOG.log(Level.INFO, "another boot: `{0}` is wiped", folder);
        FolderRemoval.unmountBelow(folder);
        FolderRemoval.remove(folder);
      }
    }
    AtomicFile.write(file, boot.text() + "\n", "rw-------");
  }

  private Task remembered(TaskKey key, TaskFolder place) {
    Task.Traits traits =
        new Task.Traits(isolation.isExclusive(key), place.isEphemeral(), /* recovered= */ true);
    Task task = new Task(key, place, traits, /* stdio= */ null);
    Map<String, Exit> known = exits.of(key);
    for (String execId : place.execIds()) {
      task.addExec(execId, /* stdio= */ null);
    }
    for (TaskProcess process : task.processes()) {
      Exit exit = known.get(process.execId());
      if (exit != null) {
        process.restore(exit);
      }
    }
    int pid = place.confirmed();
    if (pid != 0) {
      task.created(pid);
    }
    return task;
  }
}
