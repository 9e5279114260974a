package io.berth.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * posix_spawn(3) and its many little functions. They return an error number instead of setting
 * errno.
 */
final class Spawn {
  private static final int SETSIGDEF = 4;
  private static final int SETSIGMASK = 8;
  private static final int SETSID = 0x80;

  private static final MethodHandle POSIX_SPAWN =
      function(
          "posix_spawn",
          Libc.ADDRESS,
          Libc.ADDRESS,
          Libc.ADDRESS,
          Libc.ADDRESS,
          Libc.ADDRESS,
          Libc.ADDRESS);
  private static final MethodHandle ACTIONS_INIT =
      function("posix_spawn_file_actions_init", Libc.ADDRESS);
  private static final MethodHandle ACTIONS_DESTROY =
      function("posix_spawn_file_actions_destroy", Libc.ADDRESS);
  private static final MethodHandle ADD_DUP2 =
      function("posix_spawn_file_actions_adddup2", Libc.ADDRESS, Libc.INT, Libc.INT);
  private static final MethodHandle ADD_CLOSE =
      function("posix_spawn_file_actions_addclose", Libc.ADDRESS, Libc.INT);
  private static final MethodHandle ADD_CLOSE_FROM =
      function("posix_spawn_file_actions_addclosefrom_np", Libc.ADDRESS, Libc.INT);
  private static final MethodHandle ADD_CHDIR =
      function("posix_spawn_file_actions_addchdir_np", Libc.ADDRESS, Libc.ADDRESS);
  private static final MethodHandle ADD_OPEN =
      function(
          "posix_spawn_file_actions_addopen",
          Libc.ADDRESS,
          Libc.INT,
          Libc.ADDRESS,
          Libc.INT,
          Libc.INT);
  private static final MethodHandle ATTRIBUTES_INIT =
      function("posix_spawnattr_init", Libc.ADDRESS);
  private static final MethodHandle SET_FLAGS =
      function("posix_spawnattr_setflags", Libc.ADDRESS, ValueLayout.JAVA_SHORT);
  private static final MethodHandle SET_DEFAULT =
      function("posix_spawnattr_setsigdefault", Libc.ADDRESS, Libc.ADDRESS);
  private static final MethodHandle SET_MASK =
      function("posix_spawnattr_setsigmask", Libc.ADDRESS, Libc.ADDRESS);

  private Spawn() {}

  private static MethodHandle function(String name, MemoryLayout... parameters) {
    return Libc.function(name, FunctionDescriptor.of(Libc.INT, parameters));
  }

  static int spawn(SpawnPlan plan) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment actions = arena.allocate(Layouts.SPAWN_ACTIONS_SIZE, 16);
      check((int) ACTIONS_INIT.invokeExact(actions), plan);
      try {
        addActions(arena, actions, plan);
        MemorySegment pid = arena.allocate(4, 8);
        MemorySegment attributes = attributes(arena, plan);
        MemorySegment program = text(arena, plan.program());
        MemorySegment arguments = vector(arena, plan.arguments());
        MemorySegment environment = vector(arena, plan.environment());
        check(
            (int)
                POSIX_SPAWN.invokeExact(pid, program, actions, attributes, arguments, environment),
            plan);
        return pid.get(Libc.INT, 0);
      } finally {
        check((int) ACTIONS_DESTROY.invokeExact(actions), plan);
      }
    } catch (SyscallException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable t) {
      throw new AssertionError("posix_spawn", t);
    }
  }

  /**
   * First every source goes to a number above all that are mentioned, then to its place: so none is
   * overwritten before it was used, whatever the order. Then the numbers between and above the
   * places are closed.
   */
  private static void addActions(Arena arena, MemorySegment actions, SpawnPlan plan)
      throws Throwable {
    Map<Integer, Fd> descriptors = plan.descriptors();
    int last = 2;
    int high = 2;
    for (Map.Entry<Integer, Fd> entry : descriptors.entrySet()) {
      last = Math.max(last, entry.getKey());
      high = Math.max(high, Math.max(entry.getKey(), entry.getValue().number()));
    }
    int next = high + 1;
    for (Fd fd : descriptors.values()) {
      check((int) ADD_DUP2.invokeExact(actions, fd.number(), next++), plan);
    }
    next = high + 1;
    for (int target : descriptors.keySet()) {
      check((int) ADD_DUP2.invokeExact(actions, next++, target), plan);
    }
    for (int number = 0; number <= last; number++) {
      if (!descriptors.containsKey(number)) {
        if (number <= 2) {
          MemorySegment none = text(arena, "/dev/null");
          int flags = number == 0 ? OpenFlags.O_RDONLY : OpenFlags.O_WRONLY;
          check((int) ADD_OPEN.invokeExact(actions, number, none, flags, 0), plan);
        } else {
          check((int) ADD_CLOSE.invokeExact(actions, number), plan);
        }
      }
    }
    check((int) ADD_CLOSE_FROM.invokeExact(actions, last + 1), plan);
    String directory = plan.directory();
    if (directory != null) {
      MemorySegment path = text(arena, directory);
      check((int) ADD_CHDIR.invokeExact(actions, path), plan);
    }
  }

  private static MemorySegment attributes(Arena arena, SpawnPlan plan) throws Throwable {
    MemorySegment attributes = arena.allocate(Layouts.SPAWN_ATTRIBUTES_SIZE, 16);
    check((int) ATTRIBUTES_INIT.invokeExact(attributes), plan);
    MemorySegment all = arena.allocate(Layouts.SIGSET_SIZE, 8);
    // Every signal, apart from the two that the C library keeps for itself and refuses.
    all.set(Libc.LONG, 0, ~(3L << 31));
    check((int) SET_DEFAULT.invokeExact(attributes, all), plan);
    MemorySegment none = arena.allocate(Layouts.SIGSET_SIZE, 8);
    check((int) SET_MASK.invokeExact(attributes, none), plan);
    int flags = SETSIGDEF | SETSIGMASK | (plan.isNewSession() ? SETSID : 0);
    check((int) SET_FLAGS.invokeExact(attributes, (short) flags), plan);
    return attributes;
  }

  private static MemorySegment vector(Arena arena, List<String> texts) {
    List<MemorySegment> copies = new ArrayList<>();
    texts.forEach(t -> copies.add(text(arena, t)));
    MemorySegment vector = arena.allocate(8L * (copies.size() + 1), 8);
    for (int i = 0; i < copies.size(); i++) {
      vector.set(Libc.ADDRESS, 8L * i, copies.get(i));
    }
    return vector;
  }

  private static MemorySegment text(Arena arena, String text) {
    return FileNames.write(text, arena.allocate(FileNames.maxBytes(text) + 1));
  }

  private static void check(int error, SpawnPlan plan) throws SyscallException {
    if (error != 0) {
      throw new SyscallException("start", plan.program(), error);
    }
  }
}
