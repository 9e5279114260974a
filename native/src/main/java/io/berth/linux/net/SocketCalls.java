package io.berth.linux.net;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * The few calls on sockets and namespaces that {@link io.berth.linux.Sockets} does not have: other
 * families than Unix, options, and this thread's network namespace. None of them waits.
 */
final class SocketCalls {
  private static final boolean ARM64 =
      System.getProperty("os.arch", "").toLowerCase(Locale.ROOT).matches("aarch64|arm64");
  private static final int SYS_SOCKET = ARM64 ? 198 : 41;
  private static final int SYS_BIND = ARM64 ? 200 : 49;
  private static final int SYS_GETSOCKNAME = ARM64 ? 204 : 51;
  private static final int SYS_SETSOCKOPT = ARM64 ? 208 : 54;
  private static final int SYS_GETSOCKOPT = ARM64 ? 209 : 55;
  private static final int SYS_UNSHARE = ARM64 ? 97 : 272;
  private static final int SYS_SETNS = ARM64 ? 268 : 308;

  // The descriptor is written beside the name.
  @SuppressWarnings("restricted")
  private static final MethodHandle SYSCALL =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("syscall"),
              FunctionDescriptor.of(
                  ValueLayout.JAVA_LONG,
                  ValueLayout.JAVA_LONG,
                  ValueLayout.JAVA_LONG,
                  ValueLayout.JAVA_LONG,
                  ValueLayout.JAVA_LONG,
                  ValueLayout.JAVA_LONG,
                  ValueLayout.JAVA_LONG),
              Linker.Option.captureCallState("errno"),
              Linker.Option.firstVariadicArg(1));

  private static final long ERRNO_OFFSET =
      Linker.Option.captureStateLayout().byteOffset(MemoryLayout.PathElement.groupElement("errno"));

  private SocketCalls() {}

  static Fd socket(int family, int type, int protocol, String what) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      long fd = call(arena, SYS_SOCKET, family, type | Uapi.SOCK_CLOEXEC, protocol, 0, 0);
      return Fd.adopt((int) check(fd, "socket", what), what);
    }
  }

  static void bind(Fd socket, byte[] address) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment copy = arena.allocateFrom(ValueLayout.JAVA_BYTE, address);
      check(
          call(arena, SYS_BIND, socket.number(), copy.address(), address.length, 0, 0),
          "bind",
          socket.what());
    }
  }

  /** The address that a socket is bound to. */
  static byte[] name(Fd socket, int length) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(length, 4);
      MemorySegment size = arena.allocateFrom(ValueLayout.JAVA_INT, length);
      check(
          call(arena, SYS_GETSOCKNAME, socket.number(), name.address(), size.address(), 0, 0),
          "getsockname",
          socket.what());
      return name.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  static void setOption(Fd socket, int level, int option, int value) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment copy = arena.allocateFrom(ValueLayout.JAVA_INT, value);
      check(
          call(arena, SYS_SETSOCKOPT, socket.number(), level, option, copy.address(), 4),
          "setsockopt " + level + "/" + option,
          socket.what());
    }
  }

  /** The value of an option that has eight bytes; ENOPROTOOPT if this kernel does not know it. */
  static long option(Fd socket, int level, int option) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_INT, Long.BYTES);
      check(
          call(
              arena,
              SYS_GETSOCKOPT,
              socket.number(),
              level,
              option,
              value.address(),
              length.address()),
          "getsockopt " + level + "/" + option,
          socket.what());
      return value.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  /** Gives this thread a new, empty network namespace. */
  static void unshareNetwork() throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      check(
          call(arena, SYS_UNSHARE, Uapi.CLONE_NEWNET, 0, 0, 0, 0), "unshare", "network namespace");
    }
  }

  /** Moves this thread into a network namespace; EINVAL if the file is none. */
  static void joinNetwork(Fd namespace) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      check(
          call(arena, SYS_SETNS, namespace.number(), Uapi.CLONE_NEWNET, 0, 0, 0),
          "setns",
          namespace.what());
    }
  }

  private static long check(long result, String call, String subject) throws SyscallException {
    if (result < 0) {
      throw new SyscallException(call, subject, (int) -result);
    }
    return result;
  }

  private static long call(Arena arena, int number, long a, long b, long c, long d, long e) {
    MemorySegment state = arena.allocate(16, 8);
    while (true) {
      long result;
      try {
        result = (long) SYSCALL.invokeExact(state, (long) number, a, b, c, d, e);
      } catch (Throwable t) {
        throw new AssertionError("syscall " + number, t);
      }
      int error = result == -1 ? state.get(ValueLayout.JAVA_INT, ERRNO_OFFSET) : 0;
      if (error != Errno.EINTR.number()) {
        return error == 0 ? result : -error;
      }
    }
  }
}
