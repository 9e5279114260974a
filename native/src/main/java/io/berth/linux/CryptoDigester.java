package io.berth.linux;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;

/** Digests computed by libcrypto of OpenSSL. */
final class CryptoDigester implements Digester {
  private static final int COPY_BYTES = 16 * 1024;
  private static final Library LIBRARY = Library.of("libcrypto.so.3", "libcrypto.so.1.1");

  private final Algorithm algorithm;
  private final MemorySegment context;
  private boolean closed;

  private CryptoDigester(Algorithm algorithm, MemorySegment context) {
    this.algorithm = algorithm;
    this.context = context;
  }

  /** The functions of libcrypto, linked when the first digest is made. */
  private static final class Functions {
    static final MethodHandle NEW = of("EVP_MD_CTX_new", Libc.ADDRESS);
    static final MethodHandle FREE =
        LIBRARY.function("EVP_MD_CTX_free", FunctionDescriptor.ofVoid(Libc.ADDRESS));
    static final MethodHandle INIT =
        of("EVP_DigestInit_ex", Libc.INT, Libc.ADDRESS, Libc.ADDRESS, Libc.ADDRESS);
    static final MethodHandle UPDATE =
        of("EVP_DigestUpdate", Libc.INT, Libc.ADDRESS, Libc.ADDRESS, Libc.LONG);
    static final MethodHandle FINAL =
        of("EVP_DigestFinal_ex", Libc.INT, Libc.ADDRESS, Libc.ADDRESS, Libc.ADDRESS);
    static final MemorySegment SHA256 = method("EVP_sha256");
    static final MemorySegment SHA512 = method("EVP_sha512");

    private static MethodHandle of(String name, MemoryLayout result, MemoryLayout... parameters) {
      return LIBRARY.function(name, FunctionDescriptor.of(result, parameters));
    }

    private static MemorySegment method(String name) {
      try {
        return (MemorySegment) of(name, Libc.ADDRESS).invokeExact();
      } catch (Throwable t) {
        throw broken(t);
      }
    }
  }

  static boolean isAvailable() {
    return LIBRARY.has(
        List.of(
            "EVP_MD_CTX_new",
            "EVP_MD_CTX_free",
            "EVP_DigestInit_ex",
            "EVP_DigestUpdate",
            "EVP_DigestFinal_ex",
            "EVP_sha256",
            "EVP_sha512"));
  }

  static CryptoDigester of(Algorithm algorithm) {
    try {
      MemorySegment context = (MemorySegment) Functions.NEW.invokeExact();
      if (context.address() == 0) {
        throw new OutOfMemoryError("EVP_MD_CTX_new");
      }
      CryptoDigester digester = new CryptoDigester(algorithm, context);
      digester.start();
      return digester;
    } catch (Throwable t) {
      throw broken(t);
    }
  }

  private void start() {
    MemorySegment method =
        switch (algorithm) {
          case SHA256 -> Functions.SHA256;
          case SHA512 -> Functions.SHA512;
        };
    try {
      check((int) Functions.INIT.invokeExact(context, method, MemorySegment.NULL));
    } catch (Throwable t) {
      throw broken(t);
    }
  }

  @Override
  public void update(MemorySegment bytes) {
    checkOpen();
    if (bytes.isNative()) {
      updateNative(bytes);
      return;
    }
    try (Frame f = Frame.open()) {
      MemorySegment copy = f.raw(Math.min(COPY_BYTES, bytes.byteSize()));
      for (long at = 0; at < bytes.byteSize(); at += COPY_BYTES) {
        long length = Math.min(COPY_BYTES, bytes.byteSize() - at);
        MemorySegment.copy(bytes, at, copy, 0, length);
        updateNative(copy.asSlice(0, length));
      }
    }
  }

  private void updateNative(MemorySegment bytes) {
    try {
      check((int) Functions.UPDATE.invokeExact(context, bytes, bytes.byteSize()));
    } catch (Throwable t) {
      throw broken(t);
    }
  }

  @Override
  public byte[] digest() {
    checkOpen();
    byte[] digest;
    try (Frame f = Frame.open()) {
      MemorySegment out = f.raw(algorithm.length());
      check((int) Functions.FINAL.invokeExact(context, out, MemorySegment.NULL));
      digest = out.asSlice(0, algorithm.length()).toArray(ValueLayout.JAVA_BYTE);
    } catch (Throwable t) {
      throw broken(t);
    }
    start();
    return digest;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      try {
        Functions.FREE.invokeExact(context);
      } catch (Throwable t) {
        throw broken(t);
      }
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("digester is closed");
    }
  }

  private static void check(int ok) {
    if (ok != 1) {
      throw new IllegalStateException("libcrypto refuses a digest");
    }
  }

  private static RuntimeException broken(Throwable t) {
    if (t instanceof Error e) {
      throw e;
    }
    return t instanceof RuntimeException e ? e : new IllegalStateException("libcrypto", t);
  }
}
