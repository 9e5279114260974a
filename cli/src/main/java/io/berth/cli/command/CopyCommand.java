package io.berth.cli.command;

import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.image.v1.ArchiveRequest;
import io.berth.api.berth.image.v1.Chunk;
import io.berth.api.berth.image.v1.ExtractRequest;
import io.berth.api.berth.image.v1.ExtractResponse;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.berth.image.v1.StatPathRequest;
import io.berth.api.berth.image.v1.StatPathResponse;
import io.berth.api.containerd.types.Mount;
import io.berth.base.error.BerthException;
import io.berth.cli.archive.TarExtraction;
import io.berth.cli.archive.TarSource;
import io.berth.cli.session.Session;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Copies files between this host and a container, which may run or not. Where nothing stands at the
 * target, what is copied gets that name; where a folder stands, it goes into the folder. {@code
 * FOLDER/.} means what the folder holds, and {@code -} a tar on standard input or output. Inside
 * the container the files belong to root, outside to whoever copies, unless owners are kept. A link
 * in the last component of the target is followed, on the side where the target is.
 */
@Command(description = "Copy files between this host and a container")
public final class CopyCommand extends SessionCommand {
  private static final int FORMAT = 0170000;
  private static final int FOLDER = 0040000;
  private static final int LINK = 0120000;
  private static final int FILE = 0100000;
  private static final int FIFO = 0010000;
  private static final int MAX_LINKS = 40;

  @Option(
      names = {"-a", "--archive"},
      description = "Keep owners and groups, as numbers")
  boolean owners;

  @Option(
      names = {"-L", "--follow-link"},
      description = "Copy what a link as source leads to")
  boolean follow;

  @Option(
      names = {"-q", "--quiet"},
      description = "Accepted: nothing is said of what was copied")
  boolean quiet;

  @Parameters(index = "0", paramLabel = "[CONTAINER:]PATH|-", description = "What to copy")
  String from = "";

  @Parameters(index = "1", paramLabel = "[CONTAINER:]PATH|-", description = "Where to")
  String to = "";

  /**
   * A path in a container.
   *
   * @param rootfs the root that the container sees while it runs; empty for one that does not run
   */
  private record Inside(Container container, String path, String rootfs) {
    Inside at(String other) {
      return new Inside(container, other, rootfs);
    }

    /**
     * The mounts that belong to the files: those that a start would make. A container that runs has
     * them already.
     */
    List<Mount> mounts() {
      return rootfs.isEmpty() ? container.getMountsList() : List.of();
    }
  }

  @Override
  public int run(Session session) {
    Inside source = inside(session, from);
    Inside target = inside(session, to);
    if ((source == null) == (target == null)) {
      throw new BerthException.InvalidArgument(
          "cp `" + from + "` `" + to + "`: write CONTAINER:PATH for one of both");
    }
    try {
      if (source != null) {
        copyOut(session, source);
      } else if (target != null) {
        copyIn(session, target);
      }
      return 0;
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private BerthException failure(IOException e) {
    // The JDK's messages are often a name alone, and their types say what is wrong with it.
    String why = e instanceof SyscallException ? "" : e.getClass().getSimpleName() + ": ";
    return new BerthException.FailedPrecondition(
        "cp `" + from + "` `" + to + "`: " + why + e.getMessage(), e);
  }

  /**
   * Reads an argument; null for a path on this host, which begins with a slash or a dot, or has no
   * name before a colon.
   */
  private static @Nullable Inside inside(Session session, String text) {
    int colon = text.indexOf(':');
    if (colon < 1 || text.startsWith("/") || text.startsWith(".") || text.equals("-")) {
      return null;
    }
    Container found = found(session, text.substring(0, colon));
    String path = text.substring(colon + 1);
    return new Inside(
        found,
        path.startsWith("/") ? path : "/" + path,
        isAlive(found) ? "/proc/" + found.getState().getPid() + "/root" : "");
  }

  private static Container found(Session session, String ref) {
    GetRequest request = GetRequest.newBuilder().setRef(ref).setMounts(true).build();
    return session.call(ContainersGrpc.getGetMethod(), request);
  }

  private static boolean isAlive(Container container) {
    State state = container.getState().getState();
    return state == State.STATE_RUNNING || state == State.STATE_PAUSED;
  }

  private static StatPathResponse stat(Session session, Inside at) {
    return session.call(
        RootfsGrpc.getStatPathMethod(),
        StatPathRequest.newBuilder()
            .setSnapshotter(at.container().getSnapshotter())
            .setKey(at.container().getSnapshotKey())
            .setRootfs(at.rootfs())
            .addAllMounts(at.mounts())
            .setPath(at.path())
            .build());
  }

  /** What stands at a path, be it a link; null for nothing. */
  private static @Nullable StatPathResponse statOrNull(Session session, Inside at) {
    try {
      return stat(session, at);
    } catch (BerthException.NotFound e) {
      return null;
    }
  }

  /**
   * Where a path leads when links in its last component are followed, inside the container. There
   * may be nothing there.
   */
  private static Inside followed(Session session, Inside at) {
    Inside here = at;
    for (int i = 0; i < MAX_LINKS; i++) {
      StatPathResponse found = statOrNull(session, here);
      if (found == null || (found.getMode() & FORMAT) != LINK) {
        return here;
      }
      String link = found.getLinkTarget();
      here = here.at(link.startsWith("/") ? link : parentOf(here.path()) + link);
    }
    throw new BerthException.FailedPrecondition(
        "path `" + at.path() + "`: more than " + MAX_LINKS + " links, one to the next");
  }

  /** The same on this host. */
  private static Path followed(Path target) throws IOException {
    Path at = target;
    for (int i = 0; i < MAX_LINKS && Files.isSymbolicLink(at); i++) {
      Path link = Files.readSymbolicLink(at);
      Path folder = at.getParent();
      at = folder == null ? link : folder.toRealPath().resolve(link);
    }
    return at;
  }

  private static boolean isFolder(@Nullable StatPathResponse found) {
    return found != null && (found.getMode() & FORMAT) == FOLDER;
  }

  private static String lastOf(String path) {
    String trimmed = path.replaceAll("/+$", "");
    return trimmed.substring(trimmed.lastIndexOf('/') + 1);
  }

  private static String parentOf(String path) {
    String trimmed = path.replaceAll("/+$", "");
    return trimmed.substring(0, trimmed.lastIndexOf('/') + 1);
  }

  // Out of a container.

  private void copyOut(Session session, Inside typed) throws IOException {
    Inside source = follow ? followed(session, typed) : typed;
    StatPathResponse found = stat(session, source);
    if (to.equals("-")) {
      ImageCommands.refuseTerminal(session, null);
      var _ =
          archive(
              session,
              source,
              stream -> {
                stream.transferTo(session.out());
                return List.of();
              });
      session.out().flush();
      return;
    }
    switch (found.getMode() & FORMAT) {
      case FILE, FOLDER, LINK, FIFO -> {}
      default ->
          throw new BerthException.FailedPrecondition(
              "cp `" + from + "`: it is a device or a socket, which stays in the container");
    }
    Path target = followed(session.caller().absolute(to).normalize());
    String name = follow ? lastOf(typed.path()) : found.getName();
    TarExtraction extraction = extraction(source, name, target, isFolder(found));
    for (String each : archive(session, source, extraction::read)) {
      session.err().println("WARNING: left out, it is a device: " + each);
    }
  }

  private TarExtraction extraction(Inside source, String name, Path target, boolean folder)
      throws IOException {
    if (Files.isDirectory(target)) {
      boolean content = source.path().endsWith("/.") || source.path().equals("/");
      return new TarExtraction(target.toRealPath(), content ? "" : name, owners);
    }
    boolean there = Files.exists(target, LinkOption.NOFOLLOW_LINKS);
    if (there ? folder || to.endsWith("/") : to.endsWith("/") && !folder) {
      throw new BerthException.FailedPrecondition("cp to `" + to + "`: it is not a folder");
    }
    Path parent = target.getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      throw new BerthException.NotFound("cp to `" + to + "`: no such folder: " + parent);
    }
    return new TarExtraction(parent.toRealPath(), String.valueOf(target.getFileName()), owners);
  }

  /** Does something with an archive, and answers the names of what was left out. */
  private interface Reading {
    List<String> of(InputStream stream) throws IOException;
  }

  private List<String> archive(Session session, Inside source, Reading reading) {
    ArchiveRequest request =
        ArchiveRequest.newBuilder()
            .setSnapshotter(source.container().getSnapshotter())
            .setKey(source.container().getSnapshotKey())
            .setRootfs(source.rootfs())
            .addAllMounts(source.mounts())
            .setPath(source.path())
            .build();
    return session.stream(
        RootfsGrpc.getArchiveMethod(),
        request,
        chunks -> {
          try (InputStream stream = stream(chunks)) {
            return reading.of(stream);
          } catch (IOException e) {
            throw failure(e);
          }
        });
  }

  private static InputStream stream(Iterator<Chunk> chunks) {
    return new InputStream() {
      private InputStream current = InputStream.nullInputStream();

      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
      }

      @Override
      public int read(byte[] bytes, int offset, int length) throws IOException {
        int count = current.read(bytes, offset, length);
        while (count < 0 && chunks.hasNext()) {
          current = chunks.next().getData().newInput();
          count = current.read(bytes, offset, length);
        }
        return count;
      }
    };
  }

  // Into a container.

  private void copyIn(Session session, Inside typed) throws IOException {
    Inside target = followed(session, typed);
    StatPathResponse found = statOrNull(session, target);
    if (from.equals("-")) {
      if (!isFolder(found)) {
        throw new BerthException.FailedPrecondition("cp - `" + to + "`: it is not a folder");
      }
      extract(session, target, session.caller().in());
      return;
    }
    Path source = session.caller().absolute(from);
    if (!Files.exists(source, LinkOption.NOFOLLOW_LINKS)) {
      throw new BerthException.NotFound("cp `" + from + "`: no such file or directory");
    }
    boolean content = from.endsWith("/.") || from.equals(".");
    Path plain = source.normalize();
    // Its own name stays where a link is followed.
    String name = String.valueOf(plain.getFileName());
    Path read = follow || content || from.endsWith("/") ? plain.toRealPath() : plain;
    boolean folder = Files.isDirectory(read, LinkOption.NOFOLLOW_LINKS);
    if (isFolder(found)) {
      send(session, target, read, content ? "" : name);
    } else if (found != null
        ? folder || typed.path().endsWith("/")
        : typed.path().endsWith("/") && !folder) {
      throw new BerthException.FailedPrecondition("cp to `" + to + "`: it is not a folder");
    } else {
      send(session, target.at(parentOf(target.path())), read, lastOf(target.path()));
    }
  }

  private void send(Session session, Inside folder, Path source, String name) throws IOException {
    try (TarSource tar = new TarSource(source, name, owners)) {
      extract(session, folder, tar);
    }
  }

  private static void extract(Session session, Inside folder, InputStream tar) {
    ExtractRequest first =
        ExtractRequest.newBuilder()
            .setSnapshotter(folder.container().getSnapshotter())
            .setKey(folder.container().getSnapshotKey())
            .setRootfs(folder.rootfs())
            .addAllMounts(folder.mounts())
            .setReadOnlyRootfs(folder.container().getHost().getReadOnlyRootfs())
            .setPath(folder.path())
            .build();
    Upload<ExtractRequest, ExtractResponse> upload =
        new Upload<>(bytes -> ExtractRequest.newBuilder().setData(bytes).build(), first);
    upload.send(session, RootfsGrpc.getExtractMethod(), tar);
    checkStillStopped(session, folder);
  }

  /**
   * Refuses success for a container that was started while files were copied into it: it has
   * mounted its files itself meanwhile, and may not see all of the copied ones.
   */
  private static void checkStillStopped(Session session, Inside folder) {
    Container before = folder.container();
    if (!folder.rootfs().isEmpty()) {
      return;
    }
    Container now = found(session, before.getId());
    if (isAlive(now) || !now.getState().getStartedAt().equals(before.getState().getStartedAt())) {
      throw new BerthException.FailedPrecondition(
          "cp to `" + before.getName() + "`: it was started meanwhile; copy again");
    }
  }
}
