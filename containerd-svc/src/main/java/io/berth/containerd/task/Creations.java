package io.berth.containerd.task;

import com.google.protobuf.Any;
import io.berth.base.error.BerthException;
import io.berth.base.id.AttachToken;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.Stdio;
import io.berth.base.layout.TaskFolder;
import io.berth.base.layout.TaskIntent;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.Occurrence;
import io.berth.containerd.metadata.ContainerRecord;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.oci.runtime.RuntimeSpec;
import io.grpc.Context;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes tasks: checks what is asked for, writes down what is about to be made, and has a shim
 * process make it. Thread-safe; blocks for as long as the shim takes.
 */
@Singleton
final class Creations {
  private final TaskTable table;
  private final ContainerRecords records;
  private final Isolation isolation;
  private final RuntimeOptions runtimeOptions;
  private final Shims shims;
  private final ExitTable exits;
  private final EventBroker events;
  private volatile TaskPreparer preparer = (_, _) -> null;

  @Inject
  Creations(
      TaskTable table,
      ContainerRecords records,
      Isolation isolation,
      RuntimeOptions runtimeOptions,
      Shims shims,
      ExitTable exits,
      EventBroker events) {
    this.table = table;
    this.records = records;
    this.isolation = isolation;
    this.runtimeOptions = runtimeOptions;
    this.shims = shims;
    this.exits = exits;
    this.events = events;
  }

  /** Who knows what containers need beyond their record. Set once, before the first call. */
  void prepareWith(TaskPreparer wanted) {
    preparer = wanted;
  }

  /**
   * Answers the init's pid. After a failure there is no task, and the id can be used again.
   *
   * @param client who can use the task: after its end, or its deadline, there is none
   */
  int create(Tasks.Creation wanted, Context client) {
    TaskKey key = wanted.key();
    ContainerRecord container = records.get(key);
    shims.check();
    String runtime = container.runtime().name();
    Runtimes.check(wanted.runtimePath().isEmpty() ? runtime : wanted.runtimePath());
    Any options = isAbsent(wanted.options()) ? container.runtime().options() : wanted.options();
    runtimeOptions.check(options, runtime);
    byte[] spec = container.spec().getValue().toByteArray();
    RuntimeSpec parsed = RuntimeSpec.read(spec, "specification of container \"" + key.id() + "\"");
    if (table.find(key) != null) {
      throw new BerthException.AlreadyExists("task " + key.id());
    }
    TaskPreparer.Prepared prepared = preparer.prepare(key, container);
    boolean ephemeral = prepared != null && prepared.ephemeral();
    Stdio stdio = stdio(wanted.stdio(), prepared);
    TaskFolder folder = table.folder(key);
    Task task =
        new Task(
            key,
            folder,
            new Task.Traits(
                isolation.isExclusive(container, key.namespace()),
                ephemeral,
                /* recovered= */ false),
            stdio);
    if (!table.add(task)) {
      throw new BerthException.AlreadyExists("task " + key.id());
    }
    TaskIntent intent =
        TaskIntent.of(
            key,
            folder.bundle(),
            parsed.linux().cgroupsPath(),
            stdio,
            ephemeral,
            wanted.rootfs(),
            recorded(options));
    try {
      return make(
          task,
          intent,
          spec,
          prepared == null ? Map.of() : prepared.links(),
          wanted.attach(),
          client);
    } catch (RuntimeException e) {
      shims.abandon(task);
      folder.delete();
      table.remove(task);
      throw e;
    }
  }

  /** Where the init's streams lead: to the container's log if the client names nothing. */
  private static Stdio stdio(Stdio asked, TaskPreparer.@Nullable Prepared prepared) {
    String log = prepared == null ? "" : prepared.logUri();
    return asked.stdout().isEmpty() && asked.stderr().isEmpty() && !log.isEmpty()
        ? new Stdio(asked.stdin(), log, log, asked.terminal())
        : asked;
  }

  private static boolean isAbsent(Any options) {
    return options.equals(Any.getDefaultInstance());
  }

  private static TaskIntent.@Nullable Options recorded(Any options) {
    return isAbsent(options)
        ? null
        : new TaskIntent.Options(
            options.getTypeUrl(),
            Base64.getEncoder().encodeToString(options.getValue().toByteArray()));
  }

  private int make(
      Task task,
      TaskIntent intent,
      byte[] spec,
      Map<String, Path> links,
      @Nullable AttachToken attach,
      Context client) {
    TaskKey key = task.key();
    task.folder().make(intent, spec, links);
    exits.clear(key);
    int pid = shims.place(task, intent, attach, client);
    if (client.isCancelled()) {
      throw new BerthException.Cancelled(
          "create task " + key.id() + ": its client went away, or its time was over");
    }
    task.folder().confirm(pid);
    events.publish(key.namespace(), created(intent, pid));
    task.created(pid);
    return pid;
  }

  private static Occurrence.TaskCreated created(TaskIntent intent, int pid) {
    return new Occurrence.TaskCreated(
        intent.id(),
        intent.bundle(),
        intent.rootfs(),
        new Stdio(intent.stdin(), intent.stdout(), intent.stderr(), intent.terminal()),
        pid);
  }
}
