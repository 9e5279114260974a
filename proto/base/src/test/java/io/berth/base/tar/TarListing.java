package io.berth.base.tar;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Collects the entries that a parser finds. */
final class TarListing implements TarSink {
  // Two members are compared by their parts.
  @SuppressWarnings("ArrayRecordComponent")
  record Member(TarEntry entry, byte[] content) {}

  final List<Member> members = new ArrayList<>();
  private @Nullable TarEntry current;
  private ByteArrayOutputStream content = new ByteArrayOutputStream();

  /** Parses in chunks of a given size. */
  static List<Member> of(byte[] archive, int chunk) throws Exception {
    TarListing listing = new TarListing();
    TarParser parser = new TarParser(listing);
    for (int at = 0; at < archive.length; at += chunk) {
      parser.push(MemorySegment.ofArray(archive).asSlice(at, Math.min(chunk, archive.length - at)));
    }
    parser.finish();
    return listing.members;
  }

  @Override
  public void entry(TarEntry entry) {
    if (current != null) {
      throw new AssertionError("entry before the end of " + current.name());
    }
    current = entry;
    content = new ByteArrayOutputStream();
  }

  @Override
  public void content(MemorySegment part) {
    if (part.byteSize() == 0) {
      throw new AssertionError("empty part");
    }
    content.writeBytes(part.toArray(ValueLayout.JAVA_BYTE));
  }

  @Override
  public void endOfEntry() {
    if (current == null) {
      throw new AssertionError("end without entry");
    }
    if (content.size() != current.size()) {
      throw new AssertionError(current.name() + ": " + content.size() + " of " + current.size());
    }
    members.add(new Member(current, content.toByteArray()));
    current = null;
  }
}
