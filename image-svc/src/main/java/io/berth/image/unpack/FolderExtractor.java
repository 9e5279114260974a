package io.berth.image.unpack;

import io.berth.base.tar.TarEntry;
import io.berth.base.tar.TarSink;
import io.berth.linux.RootedFiles;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Unpacks an archive that is no layer into a folder of a tree: names of deletions mean nothing,
 * links of the tree are followed.
 */
public final class FolderExtractor {
  private final TreeExtractor extractor;
  private final String folder;

  /**
   * @param root of the tree; no path leads out of it
   * @param folder in it, relative to the root
   * @param overwrite whether a folder may be replaced by a file, and a file by a folder
   */
  public FolderExtractor(RootedFiles root, String folder, boolean overwrite) {
    this.extractor =
        new TreeExtractor(
            root,
            overwrite
                ? TreeExtractor.Deletions.UNKNOWN
                : TreeExtractor.Deletions.UNKNOWN_KEEPING_KINDS,
            LayerLimits.NONE);
    this.folder = folder;
  }

  /** The receiver of the archive's entries. */
  public TarSink sink() {
    return new TarSink() {
      @Override
      public void entry(TarEntry entry) throws IOException {
        String path = EntryPath.of(entry.name(), entry.name());
        TarEntry placed = entry.named(EntryPath.join(folder, path));
        if (entry.type() == TarEntry.Type.HARD_LINK) {
          placed =
              placed.linkedTo(EntryPath.join(folder, EntryPath.of(entry.linkName(), entry.name())));
        }
        // An entry about the root of the archive does not change the folder that it is unpacked
        // into.
        if (!path.isEmpty()) {
          extractor.entry(placed);
        }
      }

      @Override
      public void content(MemorySegment part) throws IOException {
        extractor.content(part);
      }

      @Override
      public void hole(long bytes) throws IOException {
        extractor.hole(bytes);
      }

      @Override
      public void endOfEntry() throws IOException {
        extractor.endOfEntry();
      }
    };
  }

  /** Ends the archive; answers how many entries there were. */
  public long finish() throws IOException {
    extractor.finish();
    return extractor.entries();
  }

  /** Closes the file that a failure left open. */
  public void abandon() {
    extractor.abandon();
  }
}
