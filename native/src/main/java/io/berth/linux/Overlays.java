package io.berth.linux;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Overlays, mounted the way this kernel has ({@link KernelFeature#OVERLAY_LOWERDIR_APPEND}).
 * Whether the file system that the layers are on can hold them is found out by mounting a small one
 * there, once for each of these objects.
 */
public final class Overlays {
  /** The bytes that mount(2) takes as options, the zero at the end among them. */
  private static final int PAGE = 4096;

  /** The ways to tell a kernel the lower directories. */
  public enum Way {
    /** One by one; neither their number times their length nor a colon in a path is a limit. */
    APPENDED("lowerdir+"),
    /**
     * All in one option of mount(2), which is a page at most: by their paths if those fit, else by
     * short links in a folder of their own.
     */
    LISTED("lowerdir");

    private final String option;

    Way(String option) {
      this.option = option;
    }

    /** The option's name. */
    public String option() {
      return option;
    }
  }

  /**
   * What a probe found.
   *
   * @param way the way by which overlays are mounted here
   * @param problem the reason why there is no overlay here; empty if there is
   */
  public record Answer(Way way, String problem) {
    /** For people and programs: an option's name, or {@code none} and the reason. */
    public String text() {
      return problem.isEmpty() ? way.option() : "none: " + problem;
    }
  }

  private final Path folder;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private @Nullable Answer answer;

  /**
   * Nothing happens before the first question.
   *
   * @param folder a folder on the file system of the layers; it is made if it is missing, holds two
   *     empty folders afterwards, and may be shared by processes
   */
  public Overlays(Path folder) {
    this.folder = folder;
  }

  /** What the probe found; probes if nobody asked before. */
  public Answer answer() {
    lock.lock();
    try {
      Answer known = answer;
      if (known == null) {
        known = probe();
        answer = known;
      }
      return known;
    } finally {
      lock.unlock();
    }
  }

  private Answer probe() {
    Way way = KernelFeature.OVERLAY_LOWERDIR_APPEND.inUse() ? Way.APPENDED : Way.LISTED;
    List<Path> lower = List.of(folder.resolve("upper"), folder.resolve("lower"));
    try {
      for (Path layer : lower) {
        Files.createDirectories(layer);
      }
      mount(way, lower, null, null, Map.of()).close();
      tryWritable(way, lower);
      return new Answer(way, "");
    } catch (IOException e) {
      return new Answer(
          way, e instanceof SyscallException refused ? refused.getMessage() : e.toString());
    }
  }

  /**
   * A file system that can be a lower layer need not be able to hold the writable one: an overlay
   * cannot, nor one without extended attributes. The folders are this process's own, for what
   * serves one overlay must serve no other.
   */
  private void tryWritable(Way way, List<Path> lower) throws IOException {
    Path own = Files.createTempDirectory(folder, "writable-");
    try {
      Path upper = Files.createDirectory(own.resolve("upper"));
      Path work = Files.createDirectory(own.resolve("work"));
      mount(way, lower, upper, work, Map.of()).close();
    } finally {
      try (RootedFiles files = RootedFiles.open(folder, RootedFiles.Confinement.BENEATH)) {
        files.removeTree(String.valueOf(own.getFileName()));
      }
    }
  }

  /**
   * A detached overlay.
   *
   * @param lower the layers, topmost first; at least one
   * @param upper the writable directory, or null for a read-only overlay
   * @param work its work directory on the same file system; null exactly if {@code upper} is
   * @param options more options; an empty value sets a flag ({@code volatile})
   * @throws SyscallException EBUSY if upper or work serve another overlay; EINVAL for more than 500
   *     layers
   */
  public Fd mount(
      List<Path> lower, @Nullable Path upper, @Nullable Path work, Map<String, String> options)
      throws IOException {
    return mount(answer().way(), lower, upper, work, options);
  }

  private Fd mount(
      Way way,
      List<Path> lower,
      @Nullable Path upper,
      @Nullable Path work,
      Map<String, String> options)
      throws IOException {
    if (lower.isEmpty() || (upper == null) != (work == null)) {
      throw new IllegalArgumentException(
          "an overlay has a lower directory, and both or none of upper and work");
    }
    return switch (way) {
      case APPENDED -> appended(lower, upper, work, options);
      case LISTED -> listed(lower, upper, work, options);
    };
  }

  private static Fd appended(
      List<Path> lower, @Nullable Path upper, @Nullable Path work, Map<String, String> options)
      throws SyscallException {
    try (Mounts.FsContext context = Mounts.openFileSystem("overlay")) {
      context.set("source", "overlay");
      for (Path layer : lower) {
        context.set("lowerdir+", layer.toString());
      }
      if (upper != null && work != null) {
        context.set("upperdir", upper.toString()).set("workdir", work.toString());
      }
      for (Map.Entry<String, String> option : options.entrySet()) {
        if (option.getValue().isEmpty()) {
          context.set(option.getKey());
        } else {
          context.set(option.getKey(), option.getValue());
        }
      }
      return context.create().mount(0);
    }
  }

  /**
   * fsconfig(2) takes 255 bytes as a value there, mount(2) a page, but it only attaches: so a
   * thread attaches the overlay in a mount namespace of its own, which ends with it, and brings a
   * clone.
   */
  private Fd listed(
      List<Path> lower, @Nullable Path upper, @Nullable Path work, Map<String, String> options)
      throws IOException {
    return FeatureProbes.inOwnNamespace(() -> attachedAndCloned(lower, upper, work, options));
  }

  private Fd attachedAndCloned(
      List<Path> lower, @Nullable Path upper, @Nullable Path work, Map<String, String> options)
      throws SyscallException {
    String data = data(lower, upper, work, options);
    if (isPlain(lower, upper, work) && FileNames.encode(data).length < PAGE) {
      Mounts.mount("overlay", folder, "overlay", 0, data);
    } else {
      mountByLinks(lower, upper, work, options);
    }
    return Mounts.openTree(null, folder.toString(), MountFlags.OPEN_TREE_CLONE);
  }

  private static boolean isPlain(List<Path> lower, @Nullable Path upper, @Nullable Path work) {
    List<Path> all = new ArrayList<>(lower);
    if (upper != null && work != null) {
      all.addAll(List.of(upper, work));
    }
    return all.stream()
        .map(Path::toString)
        .allMatch(path -> path.chars().noneMatch(c -> c == ':' || c == ',' || c == '\\'));
  }

  /**
   * What a page cannot hold, or what would need escapes, goes by links with names of a letter or
   * two.
   */
  private void mountByLinks(
      List<Path> lower, @Nullable Path upper, @Nullable Path work, Map<String, String> options)
      throws SyscallException {
    try (Mounts.FsContext context = Mounts.openFileSystem("tmpfs");
        Fd links = context.create().mount(0);
        RootedFiles files = RootedFiles.at(links, RootedFiles.Confinement.BENEATH)) {
      List<Path> names = new ArrayList<>();
      for (Path layer : lower) {
        String name = Integer.toString(names.size(), Character.MAX_RADIX);
        files.symbolicLink(name, layer.toString());
        names.add(Path.of(name));
      }
      if (upper != null && work != null) {
        files.symbolicLink("upper", upper.toString());
        files.symbolicLink("work", work.toString());
      }
      Namespaces.changeFolder(links);
      Mounts.mount(
          "overlay",
          folder,
          "overlay",
          0,
          data(
              names,
              upper == null ? null : Path.of("upper"),
              work == null ? null : Path.of("work"),
              options));
    }
  }

  private static String data(
      List<Path> lower, @Nullable Path upper, @Nullable Path work, Map<String, String> options) {
    List<String> words = new ArrayList<>();
    words.add("lowerdir=" + String.join(":", lower.stream().map(Path::toString).toList()));
    if (upper != null && work != null) {
      words.add("upperdir=" + upper);
      words.add("workdir=" + work);
    }
    options.forEach((key, value) -> words.add(value.isEmpty() ? key : key + "=" + value));
    return String.join(",", words);
  }
}
