package io.berth.linux;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The one door to the kernel. A call returns what the kernel returns: a value of at least 0, or the
 * negative error number. EINTR is retried here and nowhere else, except by {@link #once}, for calls
 * that must not be repeated.
 */
final class Libc {
  static final Linker LINKER = Linker.nativeLinker();
  static final SymbolLookup LOOKUP = LINKER.defaultLookup();
  static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  static final AddressLayout ADDRESS = ValueLayout.ADDRESS;
  static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");

  private static final long ERRNO_OFFSET =
      Linker.Option.captureStateLayout().byteOffset(MemoryLayout.PathElement.groupElement("errno"));
  private static final int EINTR = 4;

  private static final MethodHandle SYSCALL = shape("syscall", LONG);

  /**
   * Functions of a shape that few programs need, linked only there: in a young JVM each further
   * shape of a call costs milliseconds.
   */
  private static final class WithBuffer {
    /* A segment of the caller's in second place, so that its arena cannot be closed while the kernel uses it. */
    static final MethodHandle SYSCALL = shape("syscall", ADDRESS);
  }

  private Libc() {}

  static long call(Frame f, int number) {
    return call(f, number, 0, 0, 0, 0, 0, 0);
  }

  static long call(Frame f, int number, long a) {
    return call(f, number, a, 0, 0, 0, 0, 0);
  }

  static long call(Frame f, int number, long a, long b) {
    return call(f, number, a, b, 0, 0, 0, 0);
  }

  static long call(Frame f, int number, long a, long b, long c) {
    return call(f, number, a, b, c, 0, 0, 0);
  }

  static long call(Frame f, int number, long a, long b, long c, long d) {
    return call(f, number, a, b, c, d, 0, 0);
  }

  static long call(Frame f, int number, long a, long b, long c, long d, long e) {
    return call(f, number, a, b, c, d, e, 0);
  }

  static long call(Frame f, int number, long a, long b, long c, long d, long e, long g) {
    while (true) {
      long result = once(f, number, a, b, c, d, e, g);
      if (result != -EINTR) {
        return result;
      }
    }
  }

  /** As {@link #call}, but EINTR is returned. */
  static long once(Frame f, int number, long a, long b, long c, long d, long e, long g) {
    long result;
    try {
      result = (long) SYSCALL.invokeExact(f.errno, (long) number, a, b, c, d, e, g);
    } catch (Throwable t) {
      throw new AssertionError("syscall " + number, t);
    }
    return result == -1 ? -f.errno.get(INT, ERRNO_OFFSET) : result;
  }

  /** A call whose second argument is memory of the caller's, at most {@code length} bytes of it. */
  static long buffer(Frame f, int number, long a, MemorySegment b, long length, long d) {
    if (!b.isNative() || length > b.byteSize()) {
      throw new IllegalArgumentException("not " + length + " bytes of native memory: " + b);
    }
    while (true) {
      long result;
      try {
        result =
            (long) WithBuffer.SYSCALL.invokeExact(f.errno, (long) number, a, b, length, d, 0L, 0L);
      } catch (Throwable t) {
        if (t instanceof RuntimeException e) {
          throw e;
        }
        throw new AssertionError("syscall " + number, t);
      }
      int error = result == -1 ? f.errno.get(INT, ERRNO_OFFSET) : 0;
      if (error != EINTR) {
        return error == 0 ? result : -error;
      }
    }
  }

  /** What the kernel returned, if it is no error. */
  static long check(long result, String syscall, Object subject) throws SyscallException {
    if (result < 0) {
      throw new SyscallException(syscall, subject.toString(), (int) -result);
    }
    return result;
  }

  /**
   * A function of the C library with at most seven arguments, numbers and addresses, that returns
   * an int. It is called in the shape of syscall(2): arguments too many are registers that it does
   * not look at, and no further shape needs linking.
   */
  static MethodHandle plain(String name) {
    return shape(name, LONG);
  }

  /** Calls what {@link #plain} returned. */
  static int callPlain(Frame f, MethodHandle function, long[] a) {
    try {
      return (int) (long) function.invokeExact(f.errno, a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  // The shape fits every function named here; making handles of them is what this class is for.
  @SuppressWarnings("restricted")
  private static MethodHandle shape(String name, MemoryLayout third) {
    return LINKER.downcallHandle(
        LOOKUP.findOrThrow(name),
        FunctionDescriptor.of(LONG, LONG, LONG, third, LONG, LONG, LONG, LONG),
        ERRNO,
        Linker.Option.firstVariadicArg(1));
  }
}
