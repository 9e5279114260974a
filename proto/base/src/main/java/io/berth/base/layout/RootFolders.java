package io.berth.base.layout;

import io.berth.base.id.TaskKey;
import io.berth.base.io.OwnFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/**
 * The root folder of an instance: what outlives a boot of the machine.
 *
 * <pre>
 * image.db                  image-svc's database; content/, s/, unpack/, trash/, volumes/ and stage/
 *                           hold what it is about
 * network.db                network-svc's database
 * containerd/               containerd-svc's database and the uuid of the instance
 * containers/NAMESPACE/ID/  a container's log, hosts, hostname, resolv.conf
 * overlay-probe/            two empty layers, to find out how overlays are mounted
 * </pre>
 */
public record RootFolders(Path path) {
  private static final String IMAGE_DATABASE = "image.db";
  private static final String NETWORK_DATABASE = "network.db";
  private static final String CONTAINERD = "containerd";
  private static final String CONTAINERD_DATABASE = "containerd.db";

  /** What an instance makes first here: each service its database. */
  private static final Set<String> SIGNS =
      Set.of(IMAGE_DATABASE, NETWORK_DATABASE, CONTAINERD + "/" + CONTAINERD_DATABASE);

  /** Makes the folder, or closes it to other users. */
  public void prepare() throws IOException {
    OwnFolder.prepareNamed(path, OwnFolder.PASSED_BY_GROUP, SIGNS);
    if (Files.exists(overlayProbe())) {
      OwnFolder.prepare(overlayProbe(), OwnFolder.OWNER_ONLY);
    }
  }

  /** The folder of the files of all containers. */
  public Path containers() {
    return path.resolve("containers");
  }

  /** Makes {@link #containers}, or closes it to other users. */
  public void prepareContainers() throws IOException {
    OwnFolder.prepare(containers(), OwnFolder.OWNER_ONLY);
  }

  /** The folder of a container's files. */
  public Path container(TaskKey key) {
    return containers().resolve(key.namespace()).resolve(key.id());
  }

  /** Makes {@link #container}, or closes it and the folder of its namespace to other users. */
  public void prepareContainer(TaskKey key) throws IOException {
    OwnFolder.prepare(containers().resolve(key.namespace()), OwnFolder.PASSED_BY_GROUP);
    OwnFolder.prepare(container(key), OwnFolder.PASSED_BY_GROUP);
  }

  /** Makes containerd-svc's own folder, or closes it to other users. */
  public void prepareContainerd() throws IOException {
    OwnFolder.prepare(path.resolve(CONTAINERD), OwnFolder.OWNER_ONLY);
  }

  /** The database of containerd-svc. */
  public Path containerdDatabase() {
    return path.resolve(CONTAINERD).resolve(CONTAINERD_DATABASE);
  }

  /** The file with the name of this instance, a random UUID (RFC 9562, section 5.4). */
  public Path instanceUuid() {
    return path.resolve(CONTAINERD).resolve("uuid");
  }

  /** The database of network-svc. */
  public Path networkDatabase() {
    return path.resolve(NETWORK_DATABASE);
  }

  /** The database of image-svc. */
  public Path imageDatabase() {
    return path.resolve(IMAGE_DATABASE);
  }

  /** The folder of blobs, finished and on their way in. */
  public Path content() {
    return path.resolve("content");
  }

  /** The folder of all snapshots. */
  public Path snapshots() {
    return path.resolve("s");
  }

  /** The folder of layers that are being unpacked. */
  public Path unpacking() {
    return path.resolve("unpack");
  }

  /** The folder of what is about to be deleted. */
  public Path trash() {
    return path.resolve("trash");
  }

  /** The folder of all volumes. */
  public Path volumes() {
    return path.resolve("volumes");
  }

  /** An empty folder on which threads mount, each in a mount namespace of its own. */
  public Path stage() {
    return path.resolve("stage");
  }

  /** Where it is found out how this kernel mounts overlays. */
  public Path overlayProbe() {
    return path.resolve("overlay-probe");
  }
}
