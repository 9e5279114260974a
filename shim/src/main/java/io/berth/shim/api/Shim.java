package io.berth.shim.api;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.api.containerd.task.v3.CreateTaskRequest;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.TaskFolder;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixServer;
import io.berth.base.time.Sleeper;
import io.berth.shim.run.ContainerTask;
import io.berth.shim.run.RequestIds;
import io.berth.shim.run.ShimProcessServices;
import io.berth.shim.run.TaskAdoption;
import io.berth.shim.run.TaskCreation;
import io.grpc.ServerServiceDefinition;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A container's shim: its task, and the socket on which it is commanded. */
final class Shim implements TaskEndpoint.Keeper, AutoCloseable {
  private static final long STOP_GRACE_MILLIS = 100;

  /** How long a deleted task's socket still answers: clients tell it to shut down. */
  private static final Duration AFTER_DELETION = Duration.ofSeconds(2);

  private final ShimProcessServices services;
  private final EventLoops loops;
  private final TaskKey key;
  private final TaskFolder folder;
  private final Consumer<Shim> leave;
  private final TaskEndpoint endpoint;
  private final ServerServiceDefinition service;
  private final ReentrantLock making = new ReentrantLock();
  private final ReentrantLock serving = new ReentrantLock();

  /** Changed by one call at a time, for the lock of making or the task's own keeps others out. */
  private volatile Content content = new Content.Empty();

  /** Is complete when nobody wants the container any more that is being made. */
  private final CompletableFuture<Void> givenUp = new CompletableFuture<>();

  @GuardedBy("serving")
  private @Nullable UnixServer server;

  @GuardedBy("serving")
  private boolean closed;

  /** How far the container of this shim has come. */
  private sealed interface Content {
    /** It has not been made yet. */
    record Empty() implements Content {}

    /** It is there. */
    record Held(ContainerTask task) implements Content {}

    /** It has been deleted. */
    record Deleted() implements Content {}
  }

  Shim(
      ShimProcessServices services,
      EventLoops loops,
      TaskKey key,
      TaskFolder folder,
      Consumer<Shim> leave) {
    this.services = services;
    this.loops = loops;
    this.key = key;
    this.folder = folder;
    this.leave = leave;
    this.endpoint = new TaskEndpoint(key.id(), this);
    this.service = endpoint.bindService();
  }

  TaskKey key() {
    return key;
  }

  @Override
  public @Nullable ContainerTask task() {
    return content instanceof Content.Held(ContainerTask task) ? task : null;
  }

  /** Whether its container has been deleted. */
  boolean isOver() {
    return content instanceof Content.Deleted;
  }

  /** Version 3 of the task service, for this container. */
  ServerServiceDefinition service() {
    return service;
  }

  @Override
  public ContainerTask create(CreateTaskRequest request, RequestIds requests) throws Exception {
    return create(
        new ShimTable.Creation(request, /* ephemeral= */ false, /* attach= */ null), requests);
  }

  ContainerTask create(ShimTable.Creation wanted, RequestIds requests) throws Exception {
    making.lock();
    try {
      if (!(content instanceof Content.Empty)) {
        throw new BerthException.AlreadyExists("task " + key.id());
      }
      ContainerTask made =
          TaskCreation.create(
              services, folder, key, TaskTranslation.creation(wanted, requests), givenUp);
      hold(made);
      return made;
    } finally {
      making.unlock();
    }
  }

  /** Has the making of its container fail; one that is made is left as it is. */
  void giveUp() {
    givenUp.complete(null);
  }

  void adopt() throws IOException {
    making.lock();
    try {
      hold(TaskAdoption.adopt(services, folder, key));
    } finally {
      making.unlock();
    }
  }

  private void hold(ContainerTask made) {
    content = new Content.Held(made);
    var _ = made.lost().thenRun(() -> leave.accept(this));
  }

  /** Answers on the container's socket from now on, instead of whoever did before. */
  void open() throws IOException {
    UnixServer opened =
        UnixServer.start(
            loops,
            ShimTable.options(folder, List.of(service, TaskVersion2.of(endpoint))),
            List.of());
    boolean late;
    serving.lock();
    try {
      late = closed;
      server = opened;
    } finally {
      serving.unlock();
    }
    if (late) {
      opened.stop(0);
    }
  }

  @Override
  public void deleted() {
    ContainerTask deleted = task();
    content = new Content.Deleted();
    if (deleted != null) {
      deleted.close();
    }
    leaveAfter(AFTER_DELETION);
  }

  @Override
  public void shutDown() {
    if (task() == null) {
      leaveAfter(Duration.ofMillis(20));
    }
  }

  /** Leaves the table later, so that the answer to the call in progress goes out first. */
  private void leaveAfter(Duration time) {
    Thread.ofVirtual()
        .name("leave")
        .start(() -> {
          var _ = Sleeper.SYSTEM.pause(time);
          leave.accept(this);
        });
  }

  @Override
  public void close() {
    UnixServer open;
    serving.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      open = server;
    } finally {
      serving.unlock();
    }
    ContainerTask held = task();
    if (held != null) {
      held.close();
    }
    if (open != null) {
      open.stop(STOP_GRACE_MILLIS);
    }
  }
}
