package io.berth.image.registry;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.image.codec.ByteSource;
import io.berth.image.content.Ingest;
import io.berth.oci.image.Descriptor;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A blob on its way from the registry into the content store, and to whoever reads it here
 * meanwhile. A connection that breaks is opened again and gone on with; the reader does not notice.
 * What an earlier process has fetched comes from the disk. Belongs to one thread.
 */
final class BlobStream implements ByteSource, AutoCloseable {
  private static final Logger LOG = System.getLogger(BlobStream.class.getName());
  private static final int BUFFER = 128 << 10;

  /** So many bytes without a failure give all attempts back. */
  private static final long STRIDE = 4 << 20;

  private final Registry registry;
  private final Descriptor blob;
  private final Digest digest;
  private final Ingest ingest;
  private final Retry retry;
  private final IntConsumer fetched;
  private final byte[] buffer = new byte[BUFFER];
  private volatile Registry.@Nullable Blob body;
  private volatile long moved = System.nanoTime();
  private long given;
  private long stride;
  private boolean broken;
  private boolean full;

  /**
   * @param ingest where it goes; what is in it is not fetched again
   * @param fetched hears of every piece that came over the network
   */
  BlobStream(Registry registry, Descriptor blob, Ingest ingest, Retry retry, IntConsumer fetched) {
    this.registry = registry;
    this.blob = blob;
    this.digest = blob.checked();
    this.ingest = ingest;
    this.retry = retry;
    this.fetched = fetched;
  }

  @Override
  public int read(MemorySegment into) throws IOException {
    int count;
    if (given < ingest.offset()) {
      count = ingest.read(into, given);
    } else {
      count = broken ? -1 : fetch(into);
    }
    given += Math.max(0, count);
    return count;
  }

  /** Fetches what the reader has left, for the content store alone. */
  void drain() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment into = arena.allocate(BUFFER);
      int count;
      do {
        count = fetch(into);
      } while (count >= 0);
    }
  }

  /** Closes the connection if nothing came over it for this long. Any thread may call this. */
  void checkPatience(Duration patience) {
    Registry.Blob open = body;
    if (open != null && System.nanoTime() - moved > patience.toNanos()) {
      LOG.log(Level.DEBUG, "nothing came of {0} for {1}", digest, patience);
      close(open);
    }
  }

  /** Whether a failure is the registry's, and not the reader's. */
  boolean isBroken() {
    return broken;
  }

  /** Whether there was no room for what came. */
  boolean isFull() {
    return full;
  }

  private int fetch(MemorySegment into) {
    boolean well = false;
    try {
      while (true) {
        try {
          int count = attempt(into);
          well = true;
          return count;
        } catch (BerthException.Unavailable | IOException e) {
          closeBody();
          retry.failed(e);
        }
      }
    } finally {
      broken |= !well;
    }
  }

  private int attempt(MemorySegment into) throws IOException {
    long rest = blob.size() - ingest.offset();
    Registry.Blob open = body;
    if (open == null) {
      if (rest == 0) {
        return -1;
      }
      open = registry.blob(blob, ingest.offset());
      moved = System.nanoTime();
      body = open;
      // A registry that knows no ranges sends everything, so what is here already is skipped.
      skip(open, ingest.offset() - open.offset());
    }
    int count = read(open, (int) Math.min(BUFFER, into.byteSize()));
    if (count < 0) {
      if (rest > 0) {
        throw brokenOff("", null);
      }
      closeBody();
      return -1;
    }
    if (count > rest) {
      throw new BerthException.DataLoss(
          "fetch layer "
              + digest
              + ": more came than the "
              + blob.size()
              + " bytes that the manifest names");
    }
    MemorySegment.copy(buffer, 0, into, ValueLayout.JAVA_BYTE, 0, count);
    try {
      ingest.write(into.asSlice(0, count));
    } catch (BerthException.ResourceExhausted e) {
      full = true;
      throw e;
    }
    took(count);
    return count;
  }

  private int read(Registry.Blob open, int length) throws IOException {
    try {
      return open.body().read(buffer, 0, length);
    } catch (IOException e) {
      throw brokenOff(" (" + e.getMessage() + ")", e);
    }
  }

  private void skip(Registry.Blob open, long bytes) throws IOException {
    try {
      open.body().skipNBytes(bytes);
    } catch (IOException e) {
      throw brokenOff(" (" + e.getMessage() + ")", e);
    }
  }

  private IOException brokenOff(String why, @Nullable IOException cause) {
    return new IOException(
        "fetch layer "
            + digest
            + ": the connection broke off after "
            + ingest.offset()
            + " of "
            + blob.size()
            + " bytes"
            + why,
        cause);
  }

  private void took(int count) {
    moved = System.nanoTime();
    stride += count;
    if (stride > STRIDE) {
      stride = 0;
      retry.succeeded();
    }
    fetched.accept(count);
  }

  private void closeBody() {
    Registry.Blob open = body;
    body = null;
    if (open != null) {
      close(open);
    }
  }

  private static void close(Registry.Blob open) {
    try {
      open.close();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "a connection that is given up cannot be closed", e);
    }
  }

  @Override
  public void close() {
    closeBody();
  }
}
