package io.berth.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
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

  private static final MethodHandle POSIX_SPAWN = Libc.plain("posix_spawn");
  private static final MethodHandle ACTIONS_INIT = Libc.plain("posix_spawn_file_actions_init");
  private static final MethodHandle ACTIONS_DESTROY =
      Libc.plain("posix_spawn_file_actions_destroy");
  private static final MethodHandle ADD_DUP2 = Libc.plain("posix_spawn_file_actions_adddup2");
  private static final MethodHandle ADD_CLOSE = Libc.plain("posix_spawn_file_actions_addclose");
  private static final MethodHandle ADD_CLOSE_FROM =
      Libc.plain("posix_spawn_file_actions_addclosefrom_np");
  private static final MethodHandle ADD_CHDIR = Libc.plain("posix_spawn_file_actions_addchdir_np");
  private static final MethodHandle ADD_OPEN = Libc.plain("posix_spawn_file_actions_addopen");
  private static final MethodHandle ATTRIBUTES_INIT = Libc.plain("posix_spawnattr_init");
  private static final MethodHandle SET_FLAGS = Libc.plain("posix_spawnattr_setflags");
  private static final MethodHandle SET_DEFAULT = Libc.plain("posix_spawnattr_setsigdefault");
  private static final MethodHandle SET_MASK = Libc.plain("posix_spawnattr_setsigmask");

  private Spawn() {}

  static int spawn(SpawnPlan plan) throws SyscallException {
    // The memory of everything that is pointed to lives until the arena is closed.
    try (Arena arena = Arena.ofConfined();
        Frame f = Frame.open()) {
      long actions = arena.allocate(Layouts.SPAWN_ACTIONS_SIZE, 16).address();
      call(plan, f, ACTIONS_INIT, actions);
      try {
        addActions(arena, f, actions, plan);
        MemorySegment pid = arena.allocate(4, 8);
        call(
            plan,
            f,
            POSIX_SPAWN,
            pid.address(),
            text(arena, plan.program()),
            actions,
            attributes(arena, f, plan),
            vector(arena, plan.arguments()),
            vector(arena, plan.environment()));
        return pid.get(Libc.INT, 0);
      } finally {
        call(plan, f, ACTIONS_DESTROY, actions);
      }
    }
  }

  /**
   * First every source goes to a number above all that are mentioned, then to its place: so none is
   * overwritten before it was used, whatever the order. Then the numbers between and above the
   * places are closed.
   */
  private static void addActions(Arena arena, Frame f, long actions, SpawnPlan plan)
      throws SyscallException {
    Map<Integer, Fd> descriptors = plan.descriptors();
    int last = 2;
    int high = 2;
    for (Map.Entry<Integer, Fd> entry : descriptors.entrySet()) {
      last = Math.max(last, entry.getKey());
      high = Math.max(high, Math.max(entry.getKey(), entry.getValue().number()));
    }
    int next = high + 1;
    for (Fd fd : descriptors.values()) {
      call(plan, f, ADD_DUP2, actions, fd.number(), next++);
    }
    next = high + 1;
    for (int target : descriptors.keySet()) {
      call(plan, f, ADD_DUP2, actions, next++, target);
    }
    for (int number = 0; number <= last; number++) {
      if (descriptors.containsKey(number)) {
        continue;
      }
      if (number <= 2) {
        int flags = number == 0 ? OpenFlags.O_RDONLY : OpenFlags.O_WRONLY;
        call(plan, f, ADD_OPEN, actions, number, text(arena, "/dev/null"), flags, 0);
      } else {
        call(plan, f, ADD_CLOSE, actions, number);
      }
    }
    call(plan, f, ADD_CLOSE_FROM, actions, last + 1);
    String directory = plan.directory();
    if (directory != null) {
      call(plan, f, ADD_CHDIR, actions, text(arena, directory));
    }
  }

  private static long attributes(Arena arena, Frame f, SpawnPlan plan) throws SyscallException {
    long attributes = arena.allocate(Layouts.SPAWN_ATTRIBUTES_SIZE, 16).address();
    call(plan, f, ATTRIBUTES_INIT, attributes);
    MemorySegment all = arena.allocate(Layouts.SIGSET_SIZE, 8);
    // Every signal, apart from the two that the C library keeps for itself and refuses.
    all.set(Libc.LONG, 0, ~(3L << 31));
    call(plan, f, SET_DEFAULT, attributes, all.address());
    MemorySegment none = arena.allocate(Layouts.SIGSET_SIZE, 8);
    call(plan, f, SET_MASK, attributes, none.address());
    int flags = SETSIGDEF | SETSIGMASK | (plan.isNewSession() ? SETSID : 0);
    call(plan, f, SET_FLAGS, attributes, flags);
    return attributes;
  }

  private static long vector(Arena arena, List<String> texts) {
    MemorySegment vector = arena.allocate(8L * (texts.size() + 1), 8);
    for (int i = 0; i < texts.size(); i++) {
      vector.set(Libc.LONG, 8L * i, text(arena, texts.get(i)));
    }
    return vector.address();
  }

  private static long text(Arena arena, String text) {
    return FileNames.write(text, arena.allocate(FileNames.maxBytes(text) + 1)).address();
  }

  private static void call(SpawnPlan plan, Frame f, MethodHandle function, long... arguments)
      throws SyscallException {
    int error = Libc.callPlain(f, function, Arrays.copyOf(arguments, 7));
    if (error != 0) {
      throw new SyscallException("start", plan.program(), error);
    }
  }
}
