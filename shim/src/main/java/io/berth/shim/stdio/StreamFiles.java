package io.berth.shim.stdio;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Fifos;
import io.berth.linux.OpenFlags;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.LaunchPlan;
import io.berth.linux.supervisor.Sink;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What streams name, opened, until a plan has been carried out; closed then, for the supervisor has
 * descriptors of its own. Used by one thread.
 */
public final class StreamFiles implements LaunchPlan.Sinks, AutoCloseable {
  private static final int FILE_MODE = 0644;

  private final TaskKey task;
  private final LogPrograms programs;
  private final LogPrograms.Starter supervisor;
  private final List<Fd> open = new ArrayList<>();
  private final Map<Stream, Sink> sinks = new HashMap<>();
  private LogPrograms.@Nullable Started program;

  /** Opens the streams of one process. */
  public StreamFiles(TaskKey task, LogPrograms programs, LogPrograms.Starter supervisor) {
    this.task = task;
    this.programs = programs;
    this.supervisor = supervisor;
  }

  /**
   * Opens one; it never waits.
   *
   * @throws BerthException.InvalidArgument if it cannot be opened, naming the path
   * @throws BerthException.NotFound if there is no such FIFO
   */
  @Override
  public Sink open(int stream, Sink.Named named) throws IOException {
    if (!(named instanceof Stream to)) {
      throw new IllegalArgumentException("stream " + stream + ": cannot open " + named);
    }
    // Both outputs that go to one file or log share its descriptor.
    Sink known = sinks.get(to);
    if (known != null) {
      return known;
    }
    Sink sink = openNew(stream, to);
    sinks.put(to, sink);
    return sink;
  }

  private Sink openNew(int stream, Stream to) throws IOException {
    return switch (to) {
      case Stream.None() -> new Sink.Null();
      case Stream.Attachable() -> new Sink.Open();
      case Stream.Fifo(String path) -> fifo(stream, path);
      case Stream.AppendFile(String path) -> new Sink.File(append(path));
      case Stream.LogFile log -> {
        Path path = Path.of(log.path());
        Path folder = folder(path);
        Fd fd = keep(Fd.open(folder, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY));
        yield new Sink.Log(
            fd, String.valueOf(path.getFileName()), log.maxSizeBytes(), log.maxFiles());
      }
      case Stream.LogProgram wanted -> {
        LogPrograms.Started started = program;
        if (started == null) {
          started = programs.start(task, wanted, supervisor);
          program = started;
          keep(started.stdout());
          keep(started.stderr());
        }
        yield new Sink.Pipe(wanted.stream() == 1 ? started.stdout() : started.stderr());
      }
    };
  }

  private Sink fifo(int stream, String path) throws IOException {
    try {
      if (stream != 0) {
        return new Sink.Fifo(keep(Fifos.open(Path.of(path))), null);
      }
      // The supervisor opens it when the process runs: a client whose FIFO was opened earlier could
      // come to the end of its input, and want to say so, before it knows of the task.
      return new Sink.Fifo(keep(Fifos.locate(Path.of(path))), null);
    } catch (SyscallException e) {
      if (e.is(Errno.ENOENT)) {
        throw new BerthException.NotFound("open fifo `" + path + "`: no such file or directory", e);
      }
      throw new BerthException.InvalidArgument("open fifo `" + path + "`: " + e.errno().text(), e);
    }
  }

  private Fd append(String path) throws IOException {
    folder(Path.of(path));
    int flags = OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_APPEND | OpenFlags.O_NONBLOCK;
    return keep(Fd.open(path, flags, FILE_MODE));
  }

  private static Path folder(Path file) throws IOException {
    Path folder = file.getParent();
    if (folder == null) {
      throw new BerthException.InvalidArgument("open `" + file + "`: names no file");
    }
    Files.createDirectories(folder);
    return folder;
  }

  private Fd keep(Fd fd) {
    open.add(fd);
    return fd;
  }

  @Override
  public void close() {
    open.forEach(Fd::close);
    open.clear();
  }
}
