package io.berth.image.codec;

import io.berth.base.id.Digest;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A digest that grows. Belongs to one thread at a time. */
public final class Hasher implements AutoCloseable {
  private final String algorithm;
  private final MessageDigest digest;
  private long size;

  private Hasher(String algorithm, MessageDigest digest) {
    this.algorithm = algorithm;
    this.digest = digest;
  }

  /** SHA-256. */
  public static Hasher sha256() {
    return of("sha256");
  }

  /** By the algorithm of a digest: sha256 or sha512. */
  public static Hasher of(String algorithm) {
    try {
      return new Hasher(
          algorithm, MessageDigest.getInstance(algorithm.equals("sha512") ? "SHA-512" : "SHA-256"));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-2", e);
    }
  }

  /** More bytes, heap or native. */
  public void update(MemorySegment bytes) {
    digest.update(bytes.asByteBuffer());
    size += bytes.byteSize();
  }

  /** Of what came so far; more may come. */
  public Digest soFar() {
    try {
      MessageDigest copy = (MessageDigest) digest.clone();
      return new Digest(algorithm, HexFormat.of().formatHex(copy.digest()));
    } catch (CloneNotSupportedException e) {
      throw new IllegalStateException("the JDK's SHA-2 can be copied", e);
    }
  }

  /** Bytes so far. */
  public long size() {
    return size;
  }

  /** From the beginning again. */
  public void reset() {
    digest.reset();
    size = 0;
  }

  @Override
  public void close() {
    // Native memory of a native digest would be freed here.
  }
}
