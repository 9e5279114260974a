package io.berth.base.tar;

import io.berth.base.error.BerthException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Takes an archive apart as its bytes come.
 *
 * <p>Refused with INVALID_ARGUMENT, saying where: wrong checksums, kinds of entries that are not
 * known, extended headers above {@link #MAX_HEADER_BYTES}, an end in the middle of an entry. What
 * follows the end mark is ignored, as it belongs to the archive's digest but to no file. Belongs to
 * one thread; nothing may be pushed after a failure.
 */
public final class TarParser {
  /** The most bytes that all extended headers of one entry may have together. */
  public static final int MAX_HEADER_BYTES = 1 << 20;

  static final int BLOCK = 512;

  private enum State {
    HEADER,
    EXTENSION,
    /** Blocks with the rest of a sparse file's map, in GNU's older format. */
    SPARSE_BLOCKS,
    /** Blocks with a sparse file's map as text, which belong to the stored content. */
    SPARSE_TEXT,
    CONTENT,
    PADDING,
    ENDED
  }

  private final TarSink sink;
  private final byte[] block = new byte[BLOCK];
  private State state = State.HEADER;
  private int filled;
  private boolean zeroBlockSeen;
  private long position;
  private long remaining;
  private long padding;
  private char extensionType;
  private byte[] extension = new byte[0];
  private int extensionFilled;
  private long extensionsOfEntry;
  private PaxHeader pax = new PaxHeader();
  private @Nullable TarEntry sparseEntry;
  private @Nullable SparseMap sparse;
  private @Nullable SparseText sparseText;

  public TarParser(TarSink sink) {
    this.sink = sink;
  }

  /**
   * Takes the next bytes of the archive, any number of them. The segment may be heap or native
   * memory; it is not kept.
   */
  public void push(MemorySegment bytes) throws IOException {
    long at = 0;
    long size = bytes.byteSize();
    while (at < size && state != State.ENDED) {
      long before = at;
      at +=
          switch (state) {
            case HEADER, SPARSE_BLOCKS, SPARSE_TEXT -> block(bytes, at, size - at);
            case EXTENSION -> extension(bytes, at, size - at);
            case CONTENT -> content(bytes, at, size - at);
            case PADDING -> padding(size - at);
            case ENDED -> 0;
          };
      position += at - before;
    }
    position += size - at;
  }

  /** Ends the archive; refuses one that ends in the middle of an entry. */
  public void finish() {
    if (state == State.ENDED || (state == State.HEADER && filled == 0 && !pax.isPending())) {
      return;
    }
    throw refuse("it ends in the middle of an entry; it was cut off");
  }

  private long block(MemorySegment bytes, long at, long available) throws IOException {
    int part = (int) Math.min(BLOCK - filled, available);
    MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, block, filled, part);
    filled += part;
    if (filled == BLOCK) {
      filled = 0;
      switch (state) {
        case SPARSE_BLOCKS -> takeSparseBlock();
        case SPARSE_TEXT -> takeSparseText();
        default -> takeHeader();
      }
    }
    return part;
  }

  private void takeHeader() throws IOException {
    if (isZero(block)) {
      if (zeroBlockSeen) {
        state = State.ENDED;
      }
      zeroBlockSeen = true;
      return;
    }
    if (zeroBlockSeen) {
      throw refuse("something follows a block of zeros");
    }
    UstarHeader header = new UstarHeader(block);
    if (!header.checksumFits()) {
      throw refuse("a header's checksum is wrong; it is no tar archive, or damaged");
    }
    long size = checked(header::size);
    if (size < 0) {
      throw refuse("an entry has a negative size");
    }
    char type = header.type();
    switch (type) {
      case 'x', 'X', 'g', 'L', 'K' -> startExtension(type, size);
      case 'V' -> skip(size);
      case 'M' ->
          throw refuse(
              "`" + header.shownName() + "` goes on from another volume, which is not supported");
      default -> startEntry(header, type);
    }
  }

  private <T extends @Nullable Object> T checked(Supplier<T> part) {
    try {
      return part.get();
    } catch (BerthException.InvalidArgument e) {
      throw refuse(String.valueOf(e.getMessage()));
    }
  }

  private void startExtension(char type, long size) {
    count(size);
    extensionType = type;
    extension = new byte[(int) size];
    extensionFilled = 0;
    padding = paddingOf(size);
    if (size == 0) {
      takeExtension();
    } else {
      state = State.EXTENSION;
    }
  }

  /** Keeps what belongs to one entry, but is no content of it, within its bound. */
  private void count(long bytes) {
    extensionsOfEntry += bytes;
    if (extensionsOfEntry > MAX_HEADER_BYTES) {
      throw refuse("extended headers of more than " + MAX_HEADER_BYTES + " bytes");
    }
  }

  private long extension(MemorySegment bytes, long at, long available) {
    int part = (int) Math.min(extension.length - extensionFilled, available);
    MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, extension, extensionFilled, part);
    extensionFilled += part;
    if (extensionFilled == extension.length) {
      takeExtension();
    }
    return part;
  }

  private void takeExtension() {
    switch (extensionType) {
      case 'L' -> pax.longName(extension);
      case 'K' -> pax.longLink(extension);
      // Global headers are skipped: they hold comments and defaults that no packer of images relies
      // on.
      case 'g' -> {}
      default -> {
        String problem = pax.read(extension);
        if (problem != null) {
          throw refuse(problem);
        }
      }
    }
    extension = new byte[0];
    state = padding > 0 ? State.PADDING : State.HEADER;
  }

  private void startEntry(UstarHeader header, char type) throws IOException {
    TarEntry entry = checked(() -> pax.apply(header, type));
    SparseRecords records = checked(pax::sparse);
    long stored = entry.type() == TarEntry.Type.FILE ? checked(() -> pax.stored(header)) : 0;
    pax = new PaxHeader();
    remaining = stored;
    padding = paddingOf(stored);
    sparse = null;
    if (type == 'S') {
      SparseMap map = new SparseMap();
      sparse = map;
      if (checked(() -> header.sparseParts(map))) {
        sparseEntry = entry;
        state = State.SPARSE_BLOCKS;
        return;
      }
    } else if (records != null && entry.type() == TarEntry.Type.FILE) {
      if (checked(records::mapComesFirst)) {
        sparseEntry = entry;
        sparseText = new SparseText();
        state = State.SPARSE_TEXT;
        return;
      }
      sparse = checked(records::map);
    }
    startContent(entry);
  }

  private void takeSparseBlock() throws IOException {
    count(BLOCK);
    SparseMap map = Objects.requireNonNull(sparse);
    if (!checked(() -> new UstarHeader(block).moreSparseParts(map))) {
      startContent(Objects.requireNonNull(sparseEntry));
    }
  }

  private void takeSparseText() throws IOException {
    TarEntry entry = Objects.requireNonNull(sparseEntry);
    if (remaining < BLOCK) {
      throw refuse("`" + entry.name() + "` is a sparse file whose map is longer than itself");
    }
    remaining -= BLOCK;
    SparseText text = Objects.requireNonNull(sparseText);
    sparse = checked(() -> text.take(block));
    if (sparse != null) {
      startContent(entry);
    }
  }

  /** Tells the sink of an entry, all of whose headers are read. */
  private void startContent(TarEntry entry) throws IOException {
    extensionsOfEntry = 0;
    sparseText = null;
    sparseEntry = entry;
    SparseMap map = sparse;
    if (map != null) {
      sparse = checked(() -> map.checked(entry.name(), entry.size(), remaining));
    }
    sink.entry(entry);
    if (remaining == 0) {
      endOfContent();
    } else {
      state = State.CONTENT;
    }
  }

  private void endOfContent() throws IOException {
    if (sparse != null) {
      sparse.finish(Objects.requireNonNull(sparseEntry).size(), sink);
    }
    sink.endOfEntry();
    state = padding > 0 ? State.PADDING : State.HEADER;
  }

  private void skip(long size) {
    remaining = 0;
    padding = size + paddingOf(size);
    state = padding > 0 ? State.PADDING : State.HEADER;
  }

  private long content(MemorySegment bytes, long at, long available) throws IOException {
    long part = Math.min(remaining, available);
    SparseMap map = sparse;
    if (map == null) {
      sink.content(bytes.asSlice(at, part));
    } else {
      map.content(bytes.asSlice(at, part), sink);
    }
    remaining -= part;
    if (remaining == 0) {
      endOfContent();
    }
    return part;
  }

  private long padding(long available) {
    long part = Math.min(padding, available);
    padding -= part;
    if (padding == 0) {
      state = State.HEADER;
    }
    return part;
  }

  private static long paddingOf(long size) {
    return -size & (BLOCK - 1);
  }

  private static boolean isZero(byte[] block) {
    return Arrays.equals(block, ZERO);
  }

  private static final byte[] ZERO = new byte[BLOCK];

  private BerthException refuse(String why) {
    return new BerthException.InvalidArgument("read archive near byte " + position + ": " + why);
  }
}
