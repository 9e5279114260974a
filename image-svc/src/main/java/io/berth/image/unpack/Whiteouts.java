package io.berth.image.unpack;

import io.berth.linux.Errno;
import io.berth.linux.FileStatus;
import io.berth.linux.OpenFlags;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import java.nio.charset.StandardCharsets;

/**
 * The two spellings of a deletion: names in an archive (OCI image-spec, layer.md, Whiteouts), and
 * overlayfs' marks on disk (Linux, filesystems/overlayfs.rst): a character device 0:0, and an
 * attribute on a directory that hides all below.
 */
public final class Whiteouts {
  /** The beginning of an entry's name that deletes what the rest of it names. */
  public static final String PREFIX = ".wh.";

  /** The name of an entry that hides everything that the lower layers have in its directory. */
  public static final String OPAQUE = ".wh..wh..opq";

  /** The attribute of a directory that hides what lower layers have in it. */
  public static final String OPAQUE_ATTRIBUTE = "trusted.overlay.opaque";

  /** The beginning of the names of attributes that only overlayfs sets. */
  public static final String OVERLAY_ATTRIBUTES = "trusted.overlay.";

  private static final byte[] YES = "y".getBytes(StandardCharsets.US_ASCII);
  private static final FileStatus.Device NONE = new FileStatus.Device(0, 0);

  private Whiteouts() {}

  /** Whether something on disk is a deletion. */
  public static boolean isWhiteout(FileStatus status) {
    return status.type() == OpenFlags.S_IFCHR && status.special().equals(NONE);
  }

  /** Makes the mark of a deletion; there must be nothing of that name. */
  static void make(RootedFiles files, String path) throws SyscallException {
    files.makeNode(path, OpenFlags.S_IFCHR, NONE);
  }

  /** Hides what lower layers have in a directory. */
  static void makeOpaque(RootedFiles files, String path) throws SyscallException {
    files.setAttribute(path.isEmpty() ? "." : path, OPAQUE_ATTRIBUTE, YES);
  }

  /** Whether a directory hides what lower layers have in it. */
  public static boolean isOpaque(RootedFiles files, String path) throws SyscallException {
    try {
      byte[] value = files.attribute(path, OPAQUE_ATTRIBUTE);
      return value != null && value.length == 1 && value[0] == 'y';
    } catch (SyscallException e) {
      if (e.is(Errno.EOPNOTSUPP)) {
        return false;
      }
      throw e;
    }
  }
}
