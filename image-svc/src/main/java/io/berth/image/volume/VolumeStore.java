package io.berth.image.volume;

import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.filter.Filter;
import io.berth.base.id.KeyedLocks;
import io.berth.base.id.Labels;
import io.berth.base.io.AtomicFile;
import io.berth.base.text.VolumeName;
import io.berth.image.disk.DiskUsage;
import io.berth.image.disk.ImagePaths;
import io.berth.image.disk.TrashBin;
import io.berth.image.event.StoreEvent;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Query;
import io.berth.image.meta.Row;
import io.berth.image.meta.Transaction;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The volumes of an instance; they belong to no namespace. A volume is {@code
 * ROOT/volumes/NAME/_data}. Records are durable. Thread-safe.
 */
@Singleton
public final class VolumeStore {
  private final ImagePaths paths;
  private final Metadata metadata;
  private final TrashBin trash;
  private final Usage usage;
  private final SecureRandom random = new SecureRandom();
  private final KeyedLocks<String> mounts = new KeyedLocks<>();

  /** Tells which containers mount which volumes. */
  public interface Usage {
    /** Containers by the names of the volumes that they use. */
    Map<String, List<String>> containersByVolume();
  }

  @Inject
  public VolumeStore(ImagePaths paths, Metadata metadata, TrashBin trash, Usage usage) {
    this.paths = paths;
    this.metadata = metadata;
    this.trash = trash;
    this.usage = usage;
  }

  /**
   * A volume as it is recorded.
   *
   * @param options what is mounted over its folder while containers use it; empty for the folder
   */
  public record Volume(
      String name,
      Path path,
      Map<String, String> labels,
      Instant created,
      boolean anonymous,
      Map<String, String> options)
      implements Filter.Fields {
    public Volume {
      labels = Map.copyOf(labels);
      options = Map.copyOf(options);
    }

    /** The bytes of its files; -1 where they are not in its folder. */
    public long bytes() {
      try {
        return options.isEmpty() ? DiskUsage.of(path).bytes() : -1;
      } catch (IOException e) {
        return -1;
      }
    }

    @Override
    public @Nullable String value(List<String> path) {
      return switch (path.getFirst()) {
        case "name" -> name;
        case "labels" -> labels.get(Filter.key(path));
        default -> null;
      };
    }
  }

  /** Which volumes are mounted at one moment. */
  public static final class Mounted {
    private final Set<String> targets = VolumeMount.targets();

    /** Whether what it was made with is mounted over its folder. */
    public boolean holds(Volume volume) {
      return !volume.options.isEmpty() && VolumeMount.isMounted(volume.path, targets);
    }
  }

  private static final String DATA = "_data";
  private static final String COLUMNS = "name, labels, created, anonymous, options";

  private Volume read(Row row) throws SQLException {
    return new Volume(
        row.text(1),
        data(row.text(1)),
        row.labels(2),
        row.time(3),
        row.number(4) != 0,
        row.labels(5));
  }

  private Path data(String name) {
    return paths.volumes().resolve(name).resolve(DATA);
  }

  private @Nullable Volume find(Query query, String name) throws SQLException {
    return query.first("SELECT " + COLUMNS + " FROM volume WHERE name = ?", this::read, name);
  }

  /**
   * Takes away the folders of removed volumes: a removal's record goes first, and a power cut may
   * bring a folder back. The next volume of the name would have what the removed one had. A folder
   * of which nothing says that it was removed is left, for its record may be what was lost. To be
   * called before the first volume is made.
   */
  void start() throws IOException {
    List<String> removed =
        metadata.read(query ->
            query.all(
                "SELECT name FROM removed_volume WHERE name NOT IN (SELECT name FROM volume)",
                row -> row.text(1)));
    Set<String> gone = new HashSet<>();
    for (String name : removed) {
      Path folder = paths.volumes().resolve(name);
      if (Files.exists(folder)) {
        trash.take(folder);
      } else {
        gone.add(name);
      }
    }
    metadata.lazy(transaction -> {
      // One that is taken away now is looked for again at the next start.
      for (String name : gone) {
        transaction.run("DELETE FROM removed_volume WHERE name = ?", name);
      }
      return transaction.run("DELETE FROM removed_volume WHERE name IN (SELECT name FROM volume)");
    });
  }

  /**
   * Makes a volume, or answers the one that is there with the same labels and options. An empty
   * name makes an anonymous one.
   *
   * @param named whether a person named it; without a name nobody did
   * @param driver empty or {@code local}
   * @param options what is mounted in place of a folder of the instance; empty for the folder
   */
  public Volume create(
      String name,
      boolean named,
      Map<String, String> labels,
      String driver,
      Map<String, String> options) {
    var _ = VolumeOptions.parse(driver, options);
    boolean anonymous = !named || name.isEmpty();
    String chosen =
        name.isEmpty() ? HexFormat.of().formatHex(randomBytes()) : VolumeName.check(name);
    Map<String, String> stored = Labels.stored(labels);
    Volume existing = metadata.read(query -> find(query, chosen));
    if (existing != null) {
      if (!labels.isEmpty() && !existing.labels.equals(stored)) {
        throw new BerthException.AlreadyExists("volume \"" + chosen + "\" with other labels")
            .with(Obstacle.of(Obstacle.Reason.NAME_TAKEN, Obstacle.Kind.VOLUME, chosen));
      }
      if (!options.isEmpty() && !existing.options.equals(options)) {
        throw new BerthException.AlreadyExists("volume \"" + chosen + "\" with other options")
            .with(Obstacle.of(Obstacle.Reason.NAME_TAKEN, Obstacle.Kind.VOLUME, chosen));
      }
      return existing;
    }
    try {
      // If this ends before the volume is recorded, the next creation of that name finds the
      // folder, which is empty.
      Files.createDirectories(data(chosen));
      Files.setPosixFilePermissions(
          paths.volumes().resolve(chosen), PosixFilePermissions.fromString("rwx--x--x"));
      Files.setPosixFilePermissions(data(chosen), PosixFilePermissions.fromString("rwxr-xr-x"));
      if (wasRemoved(chosen)) {
        // Until then a power cut could bring back the folder of the removed one under the record of
        // this one.
        AtomicFile.syncFolder(paths.volumes());
      }
    } catch (IOException e) {
      throw new BerthException.Internal("make volume \"" + chosen + "\": " + e.getMessage(), e);
    }
    return metadata.durable(transaction -> {
      Volume meanwhile = find(transaction, chosen);
      if (meanwhile != null) {
        return meanwhile;
      }
      transaction.run(
          "INSERT INTO volume (name, labels, created, anonymous, options) VALUES (?, ?, ?, ?, ?)",
          chosen,
          Transaction.text(stored),
          Row.nanos(transaction.now()),
          anonymous ? 1 : 0,
          Transaction.text(options));
      tell(transaction, "create", chosen);
      return new Volume(chosen, data(chosen), stored, transaction.now(), anonymous, options);
    });
  }

  private boolean wasRemoved(String name) {
    return metadata.read(
        query -> query.exists("SELECT 1 FROM removed_volume WHERE name = ?", name));
  }

  private byte[] randomBytes() {
    byte[] bytes = new byte[32];
    random.nextBytes(bytes);
    return bytes;
  }

  /** The record of a volume; NOT_FOUND without one. */
  public Volume get(String name) {
    Volume volume = metadata.read(query -> find(query, name));
    if (volume == null) {
      throw missing(name);
    }
    return volume;
  }

  private static BerthException missing(String name) {
    return new BerthException.NotFound("get " + name + ": no such volume");
  }

  /** All volumes, ordered by name. */
  public List<Volume> list() {
    return metadata.read(
        query -> query.all("SELECT " + COLUMNS + " FROM volume ORDER BY name", this::read));
  }

  /**
   * The containers that use each volume; nothing is known of any when containerd-svc does not
   * answer.
   */
  public Map<String, List<String>> users() {
    try {
      return usage.containersByVolume();
    } catch (BerthException.Unavailable e) {
      return Map.of();
    }
  }

  /**
   * Removes a volume with its data. For platform threads, if it is mounted.
   *
   * @param force no error when it is not there
   * @throws BerthException FAILED_PRECONDITION (conflict) while a container uses it
   */
  public void remove(String name, boolean force) {
    Volume volume = metadata.read(query -> find(query, name));
    if (volume == null) {
      if (force) {
        return;
      }
      throw missing(name);
    }
    List<String> users = usage.containersByVolume().getOrDefault(name, List.of());
    if (!users.isEmpty()) {
      throw new BerthException.Conflict("remove " + name + ": volume is in use - " + users)
          .with(
              Obstacle.of(Obstacle.Reason.VOLUME_IN_USE, Obstacle.Kind.VOLUME, name)
                  .heldBy(Obstacle.Kind.CONTAINER, users.getFirst()));
    }
    delete(name);
  }

  /**
   * Removes a volume that a container gives up, with its data, if nobody named it and no other
   * container uses it. What stays, or is not there, is no error. For platform threads.
   *
   * @param container the id of the container, whose own use does not count
   */
  public void release(String name, String container) {
    Volume volume = metadata.read(query -> find(query, name));
    if (volume == null || !volume.anonymous) {
      return;
    }
    List<String> users = usage.containersByVolume().getOrDefault(name, List.of());
    if (users.stream().allMatch(container::equals)) {
      delete(name);
    }
  }

  private void delete(String name) {
    // What is mounted there is somebody else's, and must not be deleted with the folder.
    unmount(name);
    metadata.durable(transaction -> {
      transaction.afterwards(() -> takeAway(name));
      int gone = transaction.run("DELETE FROM volume WHERE name = ?", name);
      if (gone > 0) {
        transaction.run("INSERT OR IGNORE INTO removed_volume (name) VALUES (?)", name);
        tell(transaction, "destroy", name);
      }
      return gone;
    });
  }

  /** Tells what happens to a volume, in docker's words; volumes belong to no namespace. */
  private static void tell(Transaction transaction, String action, String name)
      throws SQLException {
    transaction.emit("", new StoreEvent.Told("volume", action, name, Map.of("driver", "local")));
  }

  /**
   * Mounts what a volume was made with over its folder, in the mount namespace of the thread; false
   * if the volume is a folder. For platform threads.
   */
  public boolean mount(String name) {
    Volume volume = get(name);
    if (volume.options.isEmpty()) {
      return false;
    }
    // Of two that look at the same time both would mount.
    try (KeyedLocks.Held _ = mounts.take(name)) {
      VolumeMount.mount(name, VolumeOptions.stored(volume.options), volume.path);
    }
    return true;
  }

  /** Mounts the volume whose folder this is, if it is one of a volume. For platform threads. */
  public void mountAt(Path folder) {
    if (!folder.startsWith(paths.volumes()) || !folder.endsWith(DATA)) {
      return;
    }
    String name = folder.getName(folder.getNameCount() - 2).toString();
    if (data(name).equals(folder) && metadata.read(query -> find(query, name)) != null) {
      var _ = mount(name);
    }
  }

  /** Unmounts what a volume was made with. For platform threads. */
  public void unmount(String name) {
    Volume volume = metadata.read(query -> find(query, name));
    if (volume != null && !volume.options.isEmpty()) {
      try (KeyedLocks.Held _ = mounts.take(name)) {
        VolumeMount.unmount(name, volume.path);
      }
    }
  }

  private void takeAway(String name) {
    try {
      trash.take(paths.volumes().resolve(name));
    } catch (IOException e) {
      throw new BerthException.Internal("remove volume \"" + name + "\": " + e.getMessage(), e);
    }
  }

  /** The names of the volumes that were removed, and the bytes that they had. */
  public record Pruned(List<String> names, long bytes) {}

  /**
   * Removes the wanted ones of those volumes that no container uses: only anonymous ones, or all.
   * For platform threads.
   */
  public Pruned prune(boolean all, Predicate<Volume> wanted) {
    Set<String> used = usage.containersByVolume().keySet();
    List<String> names = new ArrayList<>();
    long bytes = 0;
    for (Volume volume : list()) {
      if (!used.contains(volume.name) && (all || volume.anonymous) && wanted.test(volume)) {
        bytes += Math.max(0, volume.bytes());
        delete(volume.name);
        names.add(volume.name);
      }
    }
    Map<String, String> reclaimed = Map.of("reclaimed", Long.toString(bytes));
    metadata.lazy(transaction -> {
      transaction.emit("", new StoreEvent.Told("volume", "prune", "", reclaimed));
      return true;
    });
    return new Pruned(names, bytes);
  }
}
