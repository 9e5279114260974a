package io.berth.image.codec;

import io.berth.base.id.Digest;
import io.berth.linux.Digester;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Computes the digest of bytes while they come. Belongs to one thread at a time. */
public final class Hasher implements AutoCloseable {
  private final String algorithm;
  private final Running running;
  private long size;

  /**
   * The two implementations: one that can be asked on the way, and a faster one that begins anew
   * when it was asked.
   */
  private sealed interface Running {
    /** The implementation of the JDK. */
    record Watched(MessageDigest digest) implements Running {}

    /** The implementation of the system, or another fast one. */
    record Plain(Digester digest) implements Running {}
  }

  private Hasher(String algorithm, Running running) {
    this.algorithm = algorithm;
    this.running = running;
  }

  /** Computes SHA-256, to be asked once, at the end. */
  public static Hasher sha256() {
    return of("sha256", /* watched= */ false);
  }

  /**
   * Computes digests of an algorithm, sha256 or sha512.
   *
   * @param watched it will be asked on the way, too
   */
  public static Hasher of(String algorithm, boolean watched) {
    boolean longer = algorithm.equals("sha512");
    if (!watched) {
      return new Hasher(
          algorithm,
          new Running.Plain(
              Digester.of(longer ? Digester.Algorithm.SHA512 : Digester.Algorithm.SHA256)));
    }
    try {
      return new Hasher(
          algorithm,
          new Running.Watched(MessageDigest.getInstance(longer ? "SHA-512" : "SHA-256")));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-2", e);
    }
  }

  /** Takes more bytes, of heap or native memory. */
  public void update(MemorySegment bytes) {
    switch (running) {
      case Running.Watched watched -> watched.digest.update(bytes.asByteBuffer());
      case Running.Plain plain -> plain.digest.update(bytes);
    }
    size += bytes.byteSize();
  }

  /** The digest of all bytes that came. Unless it is watched, it begins anew then. */
  public Digest soFar() {
    byte[] bytes =
        switch (running) {
          case Running.Watched watched -> copy(watched.digest).digest();
          case Running.Plain plain -> plain.digest.digest();
        };
    return new Digest(algorithm, HexFormat.of().formatHex(bytes));
  }

  private static MessageDigest copy(MessageDigest digest) {
    try {
      return (MessageDigest) digest.clone();
    } catch (CloneNotSupportedException e) {
      throw new IllegalStateException("the JDK's SHA-2 can be copied", e);
    }
  }

  /** The number of bytes so far. */
  public long size() {
    return size;
  }

  /** Forgets all bytes. */
  public void reset() {
    switch (running) {
      case Running.Watched watched -> watched.digest.reset();
      case Running.Plain plain -> plain.digest.digest();
    }
    size = 0;
  }

  @Override
  public void close() {
    if (running instanceof Running.Plain plain) {
      plain.digest.close();
    }
  }
}
