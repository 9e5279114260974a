package io.berth.cli.archive;

import io.berth.base.error.BerthException;
import io.berth.base.tar.TarEntry;
import io.berth.base.tar.TarParser;
import io.berth.base.tar.TarSink;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
import io.berth.linux.OpenFlags;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes files of an untrusted tar, all below one folder: an entry is refused if its path leads
 * upwards or through a symbolic link that leads out. Files belong to whoever runs this unless
 * owners are kept, and devices are left out. For one use, by one thread.
 */
public final class TarExtraction {
  private static final int BUFFER = 64 << 10;

  private final Path folder;
  private final String top;
  private final boolean owners;
  private final List<String> leftOut = new ArrayList<>();

  /**
   * For a folder that exists.
   *
   * @param top what the first component of every name becomes; empty to leave it out
   * @param owners whether files get the owners that the archive says
   */
  public TarExtraction(Path folder, String top, boolean owners) {
    this.folder = folder;
    this.top = top;
    this.owners = owners;
  }

  /**
   * Reads the archive to its end, and answers the names of what was left out. Blocks as long as the
   * stream does.
   */
  public List<String> read(InputStream in) throws IOException {
    try (RootedFiles files = RootedFiles.open(folder, RootedFiles.Confinement.BENEATH);
        Members members = new Members(files);
        Arena arena = Arena.ofConfined()) {
      TarParser parser = new TarParser(members);
      byte[] bytes = new byte[BUFFER];
      MemorySegment copy = arena.allocate(BUFFER);
      for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
        MemorySegment.copy(bytes, 0, copy, ValueLayout.JAVA_BYTE, 0, count);
        parser.push(copy.asSlice(0, count));
      }
      parser.finish();
      members.finish();
    }
    return leftOut;
  }

  /** Where an entry goes, relative to the folder; empty for the folder itself. */
  private String inside(String name) {
    List<String> parts = new ArrayList<>();
    for (String part : name.split("/")) {
      if (part.equals("..")) {
        throw new BerthException.InvalidArgument(
            "the entry `" + name + "` leads out of the folder");
      }
      if (!part.isEmpty() && !part.equals(".")) {
        parts.add(part);
      }
    }
    // "." names the copied folder itself, whose content comes without a first component.
    boolean unnamed = name.equals(".") || name.startsWith("./");
    if (!unnamed && !parts.isEmpty()) {
      parts.removeFirst();
    }
    if (!top.isEmpty()) {
      parts.addFirst(top);
    }
    return String.join("/", parts);
  }

  /** Makes the members of the archive as they come. */
  private final class Members implements TarSink, AutoCloseable {
    private final RootedFiles files;

    /**
     * The folders that were made. They get their times last, for every file in them moves these.
     */
    private final Map<String, TarEntry> folders = new LinkedHashMap<>();

    private @Nullable Fd file;
    private @Nullable TarEntry ofFile;

    Members(RootedFiles files) {
      this.files = files;
    }

    @Override
    public void entry(TarEntry entry) throws IOException {
      String path = inside(entry.name());
      if (path.isEmpty()) {
        return;
      }
      switch (entry.type()) {
        case DIRECTORY -> folder(path, entry);
        case SYMBOLIC_LINK -> {
          clear(path);
          files.symbolicLink(path, entry.linkName());
          owner(path, entry);
        }
        case HARD_LINK -> {
          String existing = inside(entry.linkName());
          clear(path);
          files.hardLink(path, existing);
        }
        case FILE -> {
          clear(path);
          file = files.create(path, 0600);
          ofFile = entry;
        }
        case FIFO -> {
          clear(path);
          files.makeNode(path, OpenFlags.S_IFIFO | 0600, new FileStatus.Device(0, 0));
          owner(path, entry);
          files.changeMode(path, entry.mode());
          files.setTimes(path, entry.modified(), entry.modified());
        }
        case CHARACTER_DEVICE, BLOCK_DEVICE -> leftOut.add(entry.name());
      }
    }

    private void folder(String path, TarEntry entry) throws SyscallException {
      FileStatus there = files.statusOrNull(path);
      if (there == null) {
        files.makeDirectory(path, 0700);
        owner(path, entry);
        files.changeMode(path, entry.mode());
        folders.put(path, entry);
      } else if (!there.isDirectory()) {
        throw new BerthException.FailedPrecondition(
            "`" + folder.resolve(path) + "` is no folder, and a folder is to take its place");
      }
    }

    /** Gives a file its owner, before its mode, for this clears set-id bits (chown(2)). */
    private void owner(String path, TarEntry entry) throws SyscallException {
      if (owners) {
        files.changeOwner(path, entry.uid(), entry.gid());
      }
    }

    private void clear(String path) throws SyscallException {
      FileStatus there = files.statusOrNull(path);
      if (there != null && there.isDirectory()) {
        throw new BerthException.FailedPrecondition(
            "`" + folder.resolve(path) + "` is a folder, and a file is to take its place");
      }
      if (there != null) {
        files.unlink(path);
      }
    }

    @Override
    public void content(MemorySegment part) throws IOException {
      if (file != null) {
        file.writeAll(part);
      }
    }

    @Override
    public void hole(long bytes) throws IOException {
      if (file != null) {
        file.skip(bytes);
      }
    }

    @Override
    public void endOfEntry() throws IOException {
      TarEntry entry = ofFile;
      if (file == null || entry == null) {
        return;
      }
      if (file.status().size() < entry.size()) {
        // A hole at the end is made by the length alone.
        file.truncate(entry.size());
      }
      if (owners) {
        file.changeOwner(entry.uid(), entry.gid());
      }
      file.changeMode(entry.mode());
      file.setTimes(entry.modified(), entry.modified());
      close();
    }

    void finish() throws SyscallException {
      for (Map.Entry<String, TarEntry> made : folders.entrySet()) {
        files.setTimes(made.getKey(), made.getValue().modified(), made.getValue().modified());
      }
    }

    @Override
    public void close() {
      if (file != null) {
        file.close();
        file = null;
      }
    }
  }
}
