package io.berth.image.disk;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.linux.RootedFiles;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Deletes files behind the callers' backs: they are renamed into the trash at once, and removed by
 * a thread of its own, for the removal of twenty thousand files takes half a second. What a crash
 * leaves is deleted after the next start. Thread-safe.
 */
@Singleton
public final class TrashBin implements AutoCloseable {
  private static final Logger LOG = System.getLogger(TrashBin.class.getName());
  private static final Path END = Path.of("end");

  private final Path folder;

  /** What earlier lives of this service left lies in the same folder. */
  private final String life = UUID.randomUUID().toString();

  private final AtomicLong next = new AtomicLong();
  private final BlockingQueue<Path> waiting = new LinkedBlockingQueue<>();
  private final Object progress = new Object();

  @GuardedBy("progress")
  private long unfinished;

  @GuardedBy("this")
  private @Nullable Thread thread;

  @Inject
  public TrashBin(ImagePaths paths) {
    this.folder = paths.trash();
  }

  /** Starts deleting, what an earlier process left first. */
  public synchronized void start() throws IOException {
    try (DirectoryStream<Path> left = Files.newDirectoryStream(folder)) {
      left.forEach(this::enqueue);
    }
    thread = Thread.ofPlatform().name("trash").daemon().start(this::run);
  }

  /** Takes away a file or folder of the same file system; it is no error if it is not there. */
  public void take(Path path) throws IOException {
    Path gone = folder.resolve(life + "." + next.incrementAndGet());
    try {
      Files.move(path, gone);
    } catch (NoSuchFileException e) {
      return;
    }
    enqueue(gone);
  }

  /** Takes a file or folder away, and only logs a failure, for the next start tries again. */
  public void takeOrLog(Path path) {
    try {
      take(path);
    } catch (IOException e) {
      LOG.log(Level.WARNING, "delete `{0}`: {1}; the next start tries again", path, e.getMessage());
    }
  }

  /** Takes away what is in a folder under a name that is not known. */
  public void takeUnless(Path folder, Predicate<String> known) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        if (!known.test(file.getFileName().toString())) {
          take(file);
        }
      }
    }
  }

  /** Waits until everything that was taken before is deleted. It is meant for tests. */
  public void flush() throws InterruptedException {
    synchronized (progress) {
      while (unfinished > 0) {
        progress.wait();
      }
    }
  }

  private void enqueue(Path path) {
    synchronized (progress) {
      unfinished++;
    }
    waiting.add(path);
  }

  private void run() {
    try (RootedFiles files = RootedFiles.open(folder, RootedFiles.Confinement.BENEATH)) {
      for (Path path = waiting.take(); !path.equals(END); path = waiting.take()) {
        delete(files, path);
        synchronized (progress) {
          unfinished--;
          progress.notifyAll();
        }
      }
    } catch (IOException | InterruptedException e) {
      LOG.log(Level.ERROR, "trash stays where it is until the next start", e);
    }
  }

  private static void delete(RootedFiles files, Path path) {
    try {
      files.removeTree(path.getFileName().toString());
    } catch (IOException e) {
      LOG.log(Level.WARNING, "delete `{0}`: {1}; the next start tries again", path, e.getMessage());
    }
  }

  @Override
  public void close() {
    Thread running;
    synchronized (this) {
      running = thread;
      thread = null;
    }
    if (running == null) {
      return;
    }
    waiting.add(END);
    try {
      running.join(2000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
