package io.berth.linux;

/**
 * A name in a directory.
 *
 * @param name one path component, see {@link FileNames}
 * @param type {@code S_IF*}, or 0 where the file system does not tell
 */
public record DirectoryEntry(String name, long inode, int type) {
  /** Whether the file system says it is a directory; if it does not tell at all, false. */
  public boolean isDirectory() {
    return type == OpenFlags.S_IFDIR;
  }
}
