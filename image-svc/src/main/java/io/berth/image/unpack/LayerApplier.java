package io.berth.image.unpack;

import io.berth.base.error.BerthException;
import io.berth.base.tar.TarParser;
import io.berth.image.codec.ByteSource;
import io.berth.image.codec.DecodedOutput;
import io.berth.image.codec.Decoder;
import io.berth.image.codec.Hasher;
import io.berth.linux.RootedFiles;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Unpacks one layer into a folder: the boundary behind which a process of its own could do the
 * same.
 *
 * <p>The calling thread reads and decompresses; a second one, made for this layer alone, hashes and
 * writes. A ring of native buffers lies between them, so a slow side stops the other. Call it on a
 * platform thread.
 */
@Singleton
public final class LayerApplier {
  private static final int BUFFER = 256 << 10;
  private static final int BUFFERS = 8;
  private static final int READ = 128 << 10;
  private static final long FREE_EXPANSION = 64L << 20;

  private final LayerLimits limits;

  @Inject
  public LayerApplier(LayerLimits limits) {
    this.limits = limits;
  }

  /**
   * Unpacks the layer.
   *
   * @param files the layer's folder
   * @param isolated the folder holds this layer alone: deletions become overlayfs' marks. Otherwise
   *     the layers below are in the same folder, and what the layer deletes is removed
   * @throws BerthException INVALID_ARGUMENT for what is no layer, RESOURCE_EXHAUSTED above a limit;
   *     the folder then holds a part
   */
  public AppliedLayer apply(ByteSource compressed, RootedFiles files, boolean isolated)
      throws IOException {
    TreeExtractor extractor =
        new TreeExtractor(
            files,
            isolated ? TreeExtractor.Deletions.MARKED : TreeExtractor.Deletions.DONE,
            limits);
    try (Arena arena = Arena.ofShared();
        Hasher hasher = Hasher.sha256()) {
      Writing writing = new Writing(arena, hasher, extractor);
      Thread writer = Thread.ofPlatform().name("unpack").daemon().start(writing);
      boolean complete = false;
      try {
        decompress(compressed, arena, writing);
        complete = true;
      } finally {
        writing.end(complete);
        join(writer);
        extractor.abandon();
      }
      writing.rethrow();
      return new AppliedLayer(
          hasher.soFar(),
          hasher.size(),
          extractor.entries(),
          extractor.implicitDirectories(),
          extractor.hidesRoot());
    }
  }

  private void decompress(ByteSource compressed, Arena arena, Writing writing) throws IOException {
    MemorySegment input = arena.allocate(READ);
    long[] bytes = new long[2];
    try (Decoder decoder =
        new Decoder(
            new DecodedOutput() {
              @Override
              public MemorySegment room() throws IOException {
                return writing.room();
              }

              @Override
              public void filled(int count) {
                bytes[1] += count;
                checkLimits(bytes[0], bytes[1]);
                writing.filled(count);
              }
            })) {
      for (int count = compressed.read(input); count >= 0; count = compressed.read(input)) {
        bytes[0] += count;
        decoder.push(input.asSlice(0, count));
      }
      decoder.finish();
    }
  }

  private void checkLimits(long packed, long unpacked) {
    if (unpacked > limits.bytes()) {
      throw LayerLimits.tooLarge(limits.bytes());
    }
    if (limits.expansion() > 0
        && unpacked > FREE_EXPANSION
        && unpacked / Math.max(1, packed) > limits.expansion()) {
      throw new BerthException.ResourceExhausted(
          "unpack layer: it grows more than "
              + limits.expansion()
              + " times when unpacked; raise `image.max_expansion` if that is meant");
    }
  }

  private static void join(Thread thread) {
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        // The second thread writes into files of the caller's, so the caller may not go on before
        // that thread has ended. It ends at once.
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** The second thread, and the ring of buffers that feeds it. */
  private static final class Writing implements Runnable {
    private record Part(MemorySegment memory, int length) {}

    private static final Part COMPLETE = new Part(MemorySegment.NULL, -1);
    private static final Part BROKEN = new Part(MemorySegment.NULL, -2);

    private final BlockingQueue<MemorySegment> free = new ArrayBlockingQueue<>(BUFFERS);
    private final BlockingQueue<Part> filled = new ArrayBlockingQueue<>(BUFFERS + 1);
    private final Hasher hasher;
    private final TreeExtractor extractor;
    private @Nullable MemorySegment room;
    private volatile @Nullable Exception failure;

    Writing(Arena arena, Hasher hasher, TreeExtractor extractor) {
      this.hasher = hasher;
      this.extractor = extractor;
      for (int i = 0; i < BUFFERS; i++) {
        free.add(arena.allocate(BUFFER));
      }
    }

    /** Lends the reading thread a buffer to fill; waits while the ring is full. */
    MemorySegment room() throws IOException {
      MemorySegment lent = room;
      if (lent == null) {
        rethrow();
        try {
          lent = free.take();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new BerthException.Cancelled("unpack layer: interrupted", e);
        }
        room = lent;
      }
      return lent;
    }

    void filled(int length) {
      // The queue has one place more than there are buffers.
      filled.add(new Part(Objects.requireNonNull(room), length));
      room = null;
    }

    void end(boolean complete) {
      filled.add(complete ? COMPLETE : BROKEN);
    }

    void rethrow() throws IOException {
      switch (failure) {
        case null -> {}
        case IOException e -> throw e;
        case RuntimeException e -> throw e;
        case Exception e -> throw new IllegalStateException(e);
      }
    }

    @Override
    public void run() {
      TarParser parser = new TarParser(extractor);
      try {
        while (true) {
          Part part = filled.take();
          if (part.equals(BROKEN)) {
            return;
          }
          if (part.equals(COMPLETE)) {
            finish(parser);
            return;
          }
          take(parser, part);
          free.add(part.memory);
        }
      } catch (InterruptedException e) {
        failure = e;
      }
    }

    private void take(TarParser parser, Part part) {
      if (failure != null) {
        return;
      }
      MemorySegment bytes = part.memory.asSlice(0, part.length);
      try {
        hasher.update(bytes);
        parser.push(bytes);
      } catch (IOException | RuntimeException e) {
        failure = e;
      }
    }

    private void finish(TarParser parser) {
      if (failure != null) {
        return;
      }
      try {
        parser.finish();
        extractor.finish();
      } catch (IOException | RuntimeException e) {
        failure = e;
      }
    }
  }
}
