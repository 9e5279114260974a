package io.berth.image.disk;

import io.berth.base.id.Digest;
import io.berth.base.io.OwnFolder;
import java.io.IOException;
import java.nio.file.Path;

/** Every path below the root folder is made here. */
public record ImagePaths(Path root) {
  /** The database. */
  public Path database() {
    return root.resolve("image.db");
  }

  /** Content by digest. */
  public Path blob(Digest digest) {
    return blobs(digest.algorithm()).resolve(digest.hex());
  }

  /** All content of an algorithm. */
  public Path blobs(String algorithm) {
    return root.resolve("content").resolve("blobs").resolve(algorithm);
  }

  /** All content on its way in. */
  public Path ingests() {
    return root.resolve("content").resolve("ingest");
  }

  /** One content on its way in. */
  public Path ingest(long id) {
    return ingests().resolve(Long.toString(id));
  }

  /** All snapshots. */
  public Path snapshots() {
    return root.resolve("s");
  }

  /** One snapshot. */
  public Path snapshot(long id) {
    return snapshots().resolve(Long.toString(id));
  }

  /** A snapshot's files. */
  public Path files(long id) {
    return snapshot(id).resolve("fs");
  }

  /** Overlayfs' own folder beside a snapshot's files. */
  public Path work(long id) {
    return snapshot(id).resolve("work");
  }

  /** Layers being unpacked. */
  public Path unpacking() {
    return root.resolve("unpack");
  }

  /** What is about to be deleted. */
  public Path trash() {
    return root.resolve("trash");
  }

  /** All volumes. */
  public Path volumes() {
    return root.resolve("volumes");
  }

  /** Empty; threads mount on it, each in a mount namespace of its own. */
  public Path stage() {
    return root.resolve("stage");
  }

  /**
   * Makes the folders, or closes those that somebody has opened. Snapshots can be traversed by the
   * users of user namespaces, the rest is root's.
   */
  public void create() throws IOException {
    OwnFolder.prepare(root, "rwx--x---");
    for (Path folder :
        new Path[] {
          root.resolve("content"),
          ingests(),
          root.resolve("content").resolve("blobs"),
          blobs("sha256"),
          blobs("sha512"),
          unpacking(),
          trash(),
          stage()
        }) {
      OwnFolder.prepare(folder, "rwx------");
    }
    OwnFolder.prepare(snapshots(), "rwx--x--x");
    OwnFolder.prepare(volumes(), "rwx--x--x");
  }
}
