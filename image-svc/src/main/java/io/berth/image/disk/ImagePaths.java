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

  /** The path of the database. */
  public Path database() {
    return folders().imageDatabase();
  }

  /** The file of a content. */
  public Path blob(Digest digest) {
    return blobs(digest.algorithm()).resolve(digest.hex());
  }

  /** The folder of all content whose digest is of an algorithm. */
  public Path blobs(String algorithm) {
    return folders().content().resolve("blobs").resolve(algorithm);
  }

  /** The folder of all ingests. */
  public Path ingests() {
    return folders().content().resolve("ingest");
  }

  /** The folder of one ingest. */
  public Path ingest(long id) {
    return ingests().resolve(Long.toString(id));
  }

  /** The folder of all snapshots. */
  public Path snapshots() {
    return folders().snapshots();
  }

  /** The folder of one snapshot. */
  public Path snapshot(long id) {
    return snapshots().resolve(Long.toString(id));
  }

  /** The folder of a snapshot's files. */
  public Path files(long id) {
    return snapshot(id).resolve("fs");
  }

  /** The folder that overlayfs works in, beside a snapshot's files. */
  public Path work(long id) {
    return snapshot(id).resolve("work");
  }

  /** The folder of layers that are being unpacked. */
  public Path unpacking() {
    return folders().unpacking();
  }

  /** The folder of what is about to be deleted. */
  public Path trash() {
    return folders().trash();
  }

  /** The folder of all volumes. */
  public Path volumes() {
    return folders().volumes();
  }

  /** An empty folder on which threads mount, each in a mount namespace of its own. */
  public Path stage() {
    return folders().stage();
  }

  /**
   * Makes the folders, and sets the modes of those that are there already. The users of user
   * namespaces can traverse snapshots and volumes; everything else is for root alone.
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
