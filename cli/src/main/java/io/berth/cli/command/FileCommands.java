package io.berth.cli.command;

import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.PauseRequest;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.UnpauseRequest;
import io.berth.api.berth.image.v1.Change;
import io.berth.api.berth.image.v1.Chunk;
import io.berth.api.berth.image.v1.CommitRequest;
import io.berth.api.berth.image.v1.DiffRequest;
import io.berth.api.berth.image.v1.ExportRequest;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.base.error.BerthException;
import io.berth.cli.session.Session;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The verbs on the files of containers. */
public final class FileCommands {
  private FileCommands() {}

  /**
   * Makes a call and writes the chunks that it answers to a file, or to standard output if there is
   * none.
   */
  static <Q> void download(
      Session session, @Nullable Path file, MethodDescriptor<Q, Chunk> method, Q request) {
    try (OutputStream opened =
        file == null
            ? OutputStream.nullOutputStream()
            : Files.newOutputStream(session.caller().path(file))) {
      OutputStream out = file == null ? session.out() : opened;
      session.stream(
          method,
          request,
          chunks -> {
            chunks.forEachRemaining(chunk -> write(chunk, out));
            return true;
          });
      out.flush();
    } catch (IOException e) {
      // The exception of a folder that is not there says no more than the path.
      String why = e instanceof NoSuchFileException ? "no such folder" : e.getMessage();
      throw new BerthException.InvalidArgument("write `" + file + "`: " + why, e);
    }
  }

  private static void write(Chunk chunk, OutputStream out) {
    try {
      chunk.getData().writeTo(out);
    } catch (IOException e) {
      throw new BerthException.ResourceExhausted("write the archive: " + e.getMessage(), e);
    }
  }

  /** Lists what a container has changed in its file system. */
  @Command(description = "What a container changed in its file system")
  public static final class Diff extends SessionCommand {
    @Parameters(paramLabel = "CONTAINER", description = "Id, its begin, or name")
    String container = "";

    @Override
    public int run(Session session) {
      Container found = ContainerCommands.get(session, container);
      DiffRequest request =
          DiffRequest.newBuilder()
              .setSnapshotter(found.getSnapshotter())
              .setKey(found.getSnapshotKey())
              .build();
      return session.stream(
          RootfsGrpc.getDiffMethod(),
          request,
          changes -> {
            while (changes.hasNext()) {
              Change change = changes.next();
              char kind =
                  switch (change.getKind()) {
                    case KIND_ADDED -> 'A';
                    case KIND_DELETED -> 'D';
                    default -> 'C';
                  };
              session.out().println(kind + " " + change.getPath());
            }
            return 0;
          });
    }
  }

  /** Writes a container's file system as a tar. */
  @Command(description = "Write a container's file system as a tar")
  public static final class Export extends SessionCommand {
    @Option(
        names = {"-o", "--output"},
        paramLabel = "FILE",
        description = "Instead of standard output")
    @Nullable Path file;

    @Parameters(paramLabel = "CONTAINER", description = "Id, its begin, or name")
    String container = "";

    @Override
    public int run(Session session) {
      ImageCommands.refuseTerminal(session, file);
      Container found = ContainerCommands.get(session, container);
      ExportRequest request =
          ExportRequest.newBuilder()
              .setSnapshotter(found.getSnapshotter())
              .setKey(found.getSnapshotKey())
              .build();
      download(session, file, RootfsGrpc.getExportMethod(), request);
      return 0;
    }
  }

  /**
   * Makes an image of a container's changes. A container that runs is frozen meanwhile, so that no
   * file is copied while it is written.
   */
  @Command(description = "Make an image of a container's changes")
  public static final class Commit extends SessionCommand {
    @Option(
        names = {"-a", "--author"},
        paramLabel = "NAME",
        description = "Author")
    String author = "";

    @Option(
        names = {"-m", "--message"},
        paramLabel = "TEXT",
        description = "Comment of the new layer")
    String message = "";

    @Option(
        names = {"-c", "--change"},
        paramLabel = "INSTRUCTION",
        description = "CMD, ENV, ... of the configuration")
    List<String> changes = new ArrayList<>();

    @Option(
        names = {"-p", "--pause"},
        description = "Freeze a running container meanwhile (default: true)")
    boolean pause = true;

    @Parameters(index = "0", paramLabel = "CONTAINER", description = "Id, its begin, or name")
    String container = "";

    @Parameters(
        index = "1",
        arity = "0..1",
        paramLabel = "NAME[:TAG]",
        description = "Of the image")
    String name = "";

    @Parameters(index = "2", arity = "0..1", hidden = true, description = "The tag by itself")
    String tag = "";

    @Override
    public int run(Session session) {
      Container found = ContainerCommands.get(session, container);
      CommitRequest request =
          CommitRequest.newBuilder()
              .setSnapshotter(found.getSnapshotter())
              .setSnapshotKey(found.getSnapshotKey())
              .setParentRef(found.getImageId().isEmpty() ? found.getImage() : found.getImageId())
              .setConfig(found.getConfig())
              .setName(tag.isEmpty() ? name : name + ":" + tag)
              .setAuthor(author)
              .setMessage(message)
              .addAllChanges(changes)
              .build();
      boolean freeze = pause && found.getState().getState() == State.STATE_RUNNING;
      if (freeze) {
        session.call(
            ContainersGrpc.getPauseMethod(),
            PauseRequest.newBuilder().setRef(found.getId()).build());
      }
      Image image;
      try {
        image = session.call(ImagesGrpc.getCommitMethod(), request);
      } finally {
        if (freeze) {
          session.call(
              ContainersGrpc.getUnpauseMethod(),
              UnpauseRequest.newBuilder().setRef(found.getId()).build());
        }
      }
      session.out().println(image.getId());
      return 0;
    }
  }
}
