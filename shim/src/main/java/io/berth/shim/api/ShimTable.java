package io.berth.shim.api;

import io.berth.api.containerd.task.v3.CreateTaskRequest;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.TaskFolder;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.HeaderRouting;
import io.berth.base.rpc.UnixServer;
import io.berth.shim.run.ContainerTask;
import io.berth.shim.run.HostServices;
import io.berth.shim.run.RequestIds;
import io.grpc.ServerServiceDefinition;
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
 * <p>Its lock guards the table and is not held while a shim is made: the place in the table is.
 */
public final class Shims {
  private static final Logger LOG = System.getLogger(Shims.class.getName());

  private final HostServices host;
  private final EventLoops loops;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<TaskKey, Shim> shims = new HashMap<>();
  private @Nullable String namespace;
  private boolean draining;
  private Runnable whenDrained = () -> {};

  /** None yet. */
  public Shims(HostServices host, EventLoops loops) {
    this.host = host;
    this.loops = loops;
  }

  /** Makes a shim and, if `create` is given, its container; a failure leaves neither. */
  Shim place(
      TaskKey key,
      TaskFolder folder,
      @Nullable CreateTaskRequest create,
      boolean ephemeral,
      RequestIds requests)
      throws Exception {
    Shim shim = enter(key, folder, ephemeral);
    // The socket and the container come to be side by side; either takes milliseconds.
    FutureTask<Shim> opening =
        new FutureTask<>(() -> {
          shim.open();
          return shim;
        });
    Thread.ofVirtual().name("open").start(opening);
    try {
      if (create != null) {
        shim.create(create, requests);
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
      // Told by the other one.
      LOG.log(Level.DEBUG, "open socket", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Makes a shim for a container that another process made. */
  Shim adopt(TaskKey key, TaskFolder folder) throws IOException {
    Shim shim = enter(key, folder, /* ephemeral= */ false);
    try {
      shim.adopt();
      shim.open();
      return shim;
    } catch (IOException | RuntimeException e) {
      leave(shim);
      throw e;
    }
  }

  private Shim enter(TaskKey key, TaskFolder folder, boolean ephemeral) {
    lock.lock();
    try {
      if (draining) {
        throw new BerthException.FailedPrecondition("place `" + key + "`: this host is draining");
      }
      // Containers of the warm-up are nobody's, and bind the process to nothing.
      boolean own = key.namespace().equals(Identifier.WARM_UP_NAMESPACE);
      if (!own && namespace != null && !namespace.equals(key.namespace())) {
        throw new BerthException.FailedPrecondition(
            "place `" + key + "`: this host holds containers of namespace `" + namespace + "`");
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
      Shim shim = new Shim(host, loops, key, folder, ephemeral, this::leave);
      shims.put(key, shim);
      return shim;
    } finally {
      lock.unlock();
    }
  }

  /** Closes a shim and takes it out; its container is not touched. */
  void leave(Shim shim) {
    boolean last;
    lock.lock();
    try {
      shims.remove(shim.key(), shim);
      last = draining && shims.isEmpty();
    } finally {
      lock.unlock();
    }
    shim.close();
    if (last) {
      whenDrained.run();
    }
  }

  /** NOT_FOUND if it is not here. */
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

  /** Lets one go, or with an empty id all. */
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
  void drain(Runnable callback) {
    boolean empty;
    lock.lock();
    try {
      draining = true;
      whenDrained = callback;
      empty = shims.isEmpty();
    } finally {
      lock.unlock();
    }
    if (empty) {
      callback.run();
    }
  }

  /** What is here. */
  record Contents(String namespace, List<String> ids, boolean draining) {}

  Contents contents() {
    lock.lock();
    try {
      return new Contents(
          namespace == null ? "" : namespace,
          // Those of the warm-up are in no namespace that could be named with them: whoever wants
          // one
          // of them adopts it.
          shims.keySet().stream()
              .filter(key -> key.namespace().equals(namespace))
              .map(TaskKey::id)
              .sorted()
              .toList(),
          draining);
    } finally {
      lock.unlock();
    }
  }

  /** Lets all go. */
  public void close() {
    all().forEach(this::leave);
  }

  /** How a container's socket is served: to this process's own user only. */
  static UnixServer.Options options(TaskFolder folder, List<ServerServiceDefinition> services) {
    return new UnixServer.Options(
        folder.shimSocket(), services, Set.of(), null, 256 << 10, _ -> true, "rw-------");
  }
}
