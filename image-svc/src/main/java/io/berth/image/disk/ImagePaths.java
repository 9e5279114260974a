package io.berth.image.disk;

import io.berth.base.id.Digest;
import io.berth.base.io.OwnFolder;
import io.berth.base.layout.RootFolders;
import java.io.IOException;
import java.nio.file.Path;

/** Every path in image-svc's folders is made here. */
public record ImagePaths(Path root) {
  private RootFolders folders() {
    return new RootFolders(root);
  }

  /** The database. */
  public Path database() {
    return folders().imageDatabase();
  }

  /** Content by digest. */
  public Path blob(Digest digest) {
    return blobs(digest.algorithm()).resolve(digest.hex());
  }

  /** All content of an algorithm. */
  public Path blobs(String algorithm) {
    return folders().content().resolve("blobs").resolve(algorithm);
  }

  /** All content on its way in. */
  public Path ingests() {
    return folders().content().resolve("ingest");
  }

  /** One content on its way in. */
  public Path ingest(long id) {
    return ingests().resolve(Long.toString(id));
  }

  /** All snapshots. */
  public Path snapshots() {
    return folders().snapshots();
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
    return folders().unpacking();
  }

  /** What is about to be deleted. */
  public Path trash() {
    return folders().trash();
  }

  /** All volumes. */
  public Path volumes() {
    return folders().volumes();
  }

  /** Empty; threads mount on it, each in a mount namespace of its own. */
  public Path stage() {
    return folders().stage();
  }

  /**
   * Makes the folders, or closes those that somebody has opened. Snapshots can be traversed by the
   * users of user namespaces, the rest is root's.
   */
  public void create() throws IOException {
    OwnFolder.prepare(root, OwnFolder.PASSED_BY_GROUP);
    for (Path folder :
        new Path[] {
          folders().content(),
          ingests(),
          folders().content().resolve("blobs"),
          blobs("sha256"),
          blobs("sha512"),
          unpacking(),
          trash(),
          stage()
        }) {
      OwnFolder.prepare(folder, OwnFolder.OWNER_ONLY);
    }
    OwnFolder.prepare(snapshots(), "rwx--x--x");
    OwnFolder.prepare(volumes(), "rwx--x--x");
  }
}
