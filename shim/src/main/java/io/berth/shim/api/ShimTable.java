package io.berth.shim.api;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.api.containerd.task.v3.CreateTaskRequest;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.base.error.BerthException;
import io.berth.base.id.AttachToken;
import io.berth.base.id.Identifier;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.TaskFolder;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.ClientBounds;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.HeaderRouting;
import io.berth.base.rpc.UnixServer;
import io.berth.shim.run.ContainerTask;
import io.berth.shim.run.RequestIds;
import io.berth.shim.run.ShimProcessServices;
import io.grpc.ServerServiceDefinition;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The shims of this process. All belong to one namespace, that of the first one.
 *
 * <p>The lock is not held while a shim is made, which takes long: the shim takes its place in the
 * table first, and so keeps a second one of the same name out. Safe for use by several threads.
 */
@Singleton
public final class ShimTable {
  private static final Logger LOG = System.getLogger(ShimTable.class.getName());

  private final ShimProcessServices services;
  private final EventLoops loops;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Map<TaskKey, Shim> shims = new HashMap<>();

  /** Null until the first shim comes. */
  @GuardedBy("lock")
  private @Nullable String namespace;

  /** Null until no more shims are taken; to be run when the last has gone. */
  @GuardedBy("lock")
  private @Nullable Runnable whenDrained;

  /** A table without shims. */
  @Inject
  public ShimTable(ShimProcessServices services, EventLoops loops) {
    this.services = services;
    this.loops = loops;
  }

  /**
   * A container that is made with its shim.
   *
   * @param ephemeral whether it removes itself
   * @param attach lets a client attach from then on
   */
  record Creation(CreateTaskRequest request, boolean ephemeral, @Nullable AttachToken attach) {}

  /** Makes a shim and, if `create` is given, its container; a failure leaves neither. */
  Shim place(TaskKey key, TaskFolder folder, @Nullable Creation create, RequestIds requests)
      throws Exception {
    Shim shim = enter(key, folder);
    // The socket and the container come to be side by side; either takes milliseconds.
    FutureTask<Shim> opening =
        new FutureTask<>(() -> {
          shim.open();
          return shim;
        });
    Thread.ofVirtual().name("open").start(opening);
    try {
      if (create != null) {
        var _ = shim.create(create, requests);
      }
      opening.get();
      return shim;
    } catch (Exception e) {
      await(opening);
      leave(shim);
      Files.deleteIfExists(folder.shimSocket());
      throw e instanceof ExecutionException failure && failure.getCause() instanceof Exception cause
          ? cause
          : e;
    }
  }

  private static void await(Future<?> task) {
    try {
      task.get();
    } catch (ExecutionException e) {
      // The failure of the other thread is the one that is told.
      LOG.log(Level.DEBUG, "open socket", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Makes a shim for a container that another process made. */
  Shim adopt(TaskKey key, TaskFolder folder) throws IOException {
    Shim shim = enter(key, folder);
    try {
      shim.adopt();
      shim.open();
      return shim;
    } catch (IOException | RuntimeException e) {
      leave(shim);
      throw e;
    }
  }

  private Shim enter(TaskKey key, TaskFolder folder) {
    lock.lock();
    try {
      if (whenDrained != null) {
        throw new BerthException.FailedPrecondition(
            "place `" + key + "`: this shim process is draining");
      }
      // Containers of the warm-up belong to no client, and bind the process to no namespace.
      boolean own = key.namespace().equals(Identifier.WARM_UP_NAMESPACE);
      if (!own && namespace != null && !namespace.equals(key.namespace())) {
        throw new BerthException.FailedPrecondition(
            "place `"
                + key
                + "`: this shim process holds containers of namespace `"
                + namespace
                + "`");
      }
      Shim there = shims.get(key);
      if (there != null && !there.isOver()) {
        throw new BerthException.AlreadyExists("task " + key.id());
      }
      if (there != null) {
        there.close();
      }
      if (!own) {
        namespace = key.namespace();
      }
      Shim shim = new Shim(services, loops, key, folder, this::leave);
      shims.put(key, shim);
      return shim;
    } finally {
      lock.unlock();
    }
  }

  /** Closes a shim and takes it out; its container is not touched. */
  void leave(Shim shim) {
    Runnable last;
    lock.lock();
    try {
      shims.remove(shim.key(), shim);
      last = shims.isEmpty() ? whenDrained : null;
    } finally {
      lock.unlock();
    }
    shim.close();
    if (last != null) {
      last.run();
    }
  }

  /**
   * The container of this name.
   *
   * @throws BerthException.NotFound if it is not here
   */
  ContainerTask task(TaskKey key) {
    lock.lock();
    try {
      Shim shim = shims.get(key);
      ContainerTask task = shim == null ? null : shim.task();
      if (task == null) {
        throw new BerthException.NotFound("task " + key.id() + " not found");
      }
      return task;
    } finally {
      lock.unlock();
    }
  }

  /**
   * The task service of all containers here, for the process's own socket: containerd-svc then
   * needs no connection for each of them.
   */
  public ServerServiceDefinition services() {
    return HeaderRouting.of(
        TaskGrpc.getServiceDescriptor(), CallContext.TASK_HEADER, this::service);
  }

  private @Nullable ServerServiceDefinition service(String task) {
    int slash = task.indexOf('/');
    if (slash < 1) {
      return null;
    }
    TaskKey key = new TaskKey(task.substring(0, slash), task.substring(slash + 1));
    lock.lock();
    try {
      Shim shim = shims.get(key);
      return shim == null ? null : shim.service();
    } finally {
      lock.unlock();
    }
  }

  /** Has the making of a container fail that is under way. */
  void giveUp(TaskKey key) {
    Shim shim;
    lock.lock();
    try {
      shim = shims.get(key);
    } finally {
      lock.unlock();
    }
    if (shim != null) {
      shim.giveUp();
    }
  }

  /** Lets a container go that is named; with an empty id, all of them. */
  void letGo(String wantedNamespace, String id) {
    for (Shim shim : all()) {
      TaskKey key = shim.key();
      if (id.isEmpty() || (key.namespace().equals(wantedNamespace) && key.id().equals(id))) {
        leave(shim);
      }
    }
  }

  private List<Shim> all() {
    lock.lock();
    try {
      return new ArrayList<>(shims.values());
    } finally {
      lock.unlock();
    }
  }

  /** Takes no more; the callback runs when the last has gone, or now. */
  public void drain(Runnable callback) {
    boolean empty;
    lock.lock();
    try {
      whenDrained = callback;
      empty = shims.isEmpty();
    } finally {
      lock.unlock();
    }
    if (empty) {
      callback.run();
    }
  }

  /** What the table holds. */
  record Contents(String namespace, List<String> ids, boolean draining) {}

  Contents contents() {
    lock.lock();
    try {
      String own = namespace == null ? "" : namespace;
      // Containers of the warm-up are left out, for no client can name their namespace.
      List<String> ids =
          shims.keySet().stream()
              .filter(key -> key.namespace().equals(own))
              .map(TaskKey::id)
              .sorted()
              .toList();
      return new Contents(own, ids, whenDrained != null);
    } finally {
      lock.unlock();
    }
  }

  /** Lets all containers go; none is touched. */
  public void close() {
    all().forEach(this::leave);
  }

  /** How a container's socket is served: to this process's own user only. */
  static UnixServer.Options options(TaskFolder folder, List<ServerServiceDefinition> services) {
    return new UnixServer.Options(
        folder.shimSocket(),
        services,
        Set.of(),
        null,
        ClientBounds.defaults().withMessage(256 << 10),
        _ -> true,
        "rw-------");
  }
}
