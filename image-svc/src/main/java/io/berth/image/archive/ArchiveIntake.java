package io.berth.image.archive;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.base.tar.TarEntry;
import io.berth.base.tar.TarSink;
import io.berth.image.content.ContentStore;
import io.berth.image.content.Ingest;
import io.berth.image.content.IngestStore;
import io.berth.image.meta.Metadata;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Takes an image archive's members in: files become content at once, whatever they are; the tables
 * of contents are kept to be read at the end, where index.json stands. Names of members are only
 * looked up in a table here, never on a file system.
 */
final class ArchiveIntake implements TarSink {
  private static final int MAX_MEMBERS = 20_000;
  private static final int MAX_TABLE = 16 << 20;
  private static final int MAX_LINKS = 16;

  private final ContentStore content;
  private final IngestStore ingests;
  private final String namespace;
  private final String lease;
  private final long maxBytes;

  private final Map<String, Digest> files = new HashMap<>();
  private final Map<String, Long> sizes = new HashMap<>();
  private final Map<String, String> links = new HashMap<>();
  private final Map<String, byte[]> tables = new HashMap<>();

  private int members;
  private long bytes;
  private String current = "";
  private @Nullable Ingest ingest;
  private @Nullable ByteArrayOutputStream table;

  ArchiveIntake(
      ContentStore content, IngestStore ingests, String namespace, String lease, long maxBytes) {
    this.content = content;
    this.ingests = ingests;
    this.namespace = namespace;
    this.lease = lease;
    this.maxBytes = maxBytes;
  }

  @Override
  public void entry(TarEntry entry) {
    if (++members > MAX_MEMBERS) {
      throw new BerthException.ResourceExhausted(
          "load archive: more than " + MAX_MEMBERS + " members");
    }
    current = plain(entry.name());
    switch (entry.type()) {
      case FILE -> startFile(entry);
      case SYMBOLIC_LINK -> links.put(current, relative(current, entry.linkName()));
      case HARD_LINK -> links.put(current, plain(entry.linkName()));
      case DIRECTORY, FIFO, CHARACTER_DEVICE, BLOCK_DEVICE -> {
        // An archive of images has no use for directories, fifos and devices.
      }
    }
  }

  private void startFile(TarEntry entry) {
    if (isTable(current)) {
      if (entry.size() > MAX_TABLE) {
        throw new BerthException.ResourceExhausted(
            "load archive: `" + current + "` has more than " + MAX_TABLE + " bytes");
      }
      table = new ByteArrayOutputStream((int) entry.size());
      return;
    }
    if (isNoise(current)) {
      return;
    }
    bytes += entry.size();
    if (bytes > maxBytes) {
      throw new BerthException.ResourceExhausted(
          "load archive: more than "
              + maxBytes
              + " bytes; raise `image.max_image_bytes` if that is meant");
    }
    Ingest open = ingests.open(Ingest.Request.of(namespace, lease, lease + "-" + members));
    open.expectTotal(entry.size());
    ingest = open;
  }

  private static boolean isTable(String name) {
    return switch (name) {
      case "index.json", "manifest.json", "oci-layout", "repositories" -> true;
      default -> false;
    };
  }

  /**
   * Whether a file is one of those that old archives of docker hold beside each layer, and that
   * nobody reads.
   */
  private static boolean isNoise(String name) {
    return name.endsWith("/VERSION") || name.endsWith("/json");
  }

  @Override
  public void content(MemorySegment part) {
    if (ingest != null) {
      ingest.write(part);
    } else if (table != null) {
      table.writeBytes(part.toArray(ValueLayout.JAVA_BYTE));
    }
  }

  @Override
  public void endOfEntry() {
    if (table != null) {
      tables.put(current, table.toByteArray());
      table = null;
    }
    Ingest open = ingest;
    ingest = null;
    if (open != null) {
      finish(open);
    }
  }

  private void finish(Ingest open) {
    Digest digest = open.digest();
    sizes.put(digest.toString(), open.offset());
    try (open) {
      Digest named = namedDigest(current);
      if (named != null && named.algorithm().equals("sha256") && !named.equals(digest)) {
        open.abort();
        throw new BerthException.InvalidArgument(
            "load archive: `"
                + current
                + "` has the digest "
                + digest
                + "; the archive is damaged");
      }
      if (content.lease(namespace, lease, digest)) {
        open.abort();
      } else {
        open.commitAs(digest, Map.of(), Metadata.Durability.LAZY);
      }
    }
    files.put(current, digest);
  }

  private static @Nullable Digest namedDigest(String name) {
    if (!name.startsWith("blobs/sha256/")) {
      return null;
    }
    try {
      return new Digest("sha256", name.substring("blobs/sha256/".length()));
    } catch (BerthException.InvalidArgument e) {
      return null;
    }
  }

  /** Gives up what a failure left open. */
  void abandon() {
    if (ingest != null) {
      ingest.abort();
    }
  }

  /** A table of contents; null if the archive has none of that name. */
  byte @Nullable [] table(String name) {
    return tables.get(name);
  }

  /** What a member's name leads to, over links of the archive; null for nothing. */
  @Nullable Digest find(String name) {
    String at = plain(name);
    for (int i = 0; i < MAX_LINKS; i++) {
      Digest digest = files.get(at);
      if (digest != null) {
        return digest;
      }
      String next = links.get(at);
      if (next == null) {
        return null;
      }
      at = next;
    }
    return null;
  }

  /** The number of bytes of the member that has this digest; 0 if there is none. */
  long size(Digest digest) {
    return sizes.getOrDefault(digest.toString(), 0L);
  }

  private static String plain(String name) {
    StringBuilder result = new StringBuilder();
    for (String part : name.split("/", -1)) {
      if (part.equals("..")) {
        int slash = result.lastIndexOf("/");
        result.setLength(Math.max(0, slash));
      } else if (!part.isEmpty() && !part.equals(".")) {
        result.append(result.isEmpty() ? "" : "/").append(part);
      }
    }
    return result.toString();
  }

  private static String relative(String link, String target) {
    if (target.startsWith("/")) {
      return plain(target);
    }
    int slash = link.lastIndexOf('/');
    return plain((slash < 0 ? "" : link.substring(0, slash + 1)) + target);
  }
}
