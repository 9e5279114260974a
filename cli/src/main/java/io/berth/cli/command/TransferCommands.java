package io.berth.cli.command;

import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.ImportRequest;
import io.berth.api.berth.image.v1.LoadRequest;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.berth.image.v1.PushRequest;
import io.berth.api.berth.image.v1.SaveRequest;
import io.berth.base.error.BerthException;
import io.berth.cli.render.Document;
import io.berth.cli.render.ImageDocument;
import io.berth.cli.render.ProgressView;
import io.berth.cli.session.Session;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The verbs that bring images here and away. */
public final class TransferCommands {
  private TransferCommands() {}

  /**
   * Pulls an image with progress on standard error, because standard output belongs to the
   * container.
   *
   * @param quiet without the progress
   */
  static void pull(Session session, String ref, String platform, boolean quiet) {
    PullRequest request =
        PullRequest.newBuilder()
            .setRef(ref)
            .setPlatform(platform)
            .setCredentials(new RegistryOptions().credentials(session, ref))
            .build();
    show(
        session,
        quiet ? _ -> {} : view(session.err(), session.caller().complainsOnTerminal()),
        ImagesGrpc.getPullMethod(),
        request);
  }

  /** The options for how a transfer tells its progress. */
  static final class Telling {
    @Option(
        names = {"-q", "--quiet"},
        description = "Without progress")
    boolean quiet;

    @Option(names = "--format", paramLabel = "json", description = "Progress for programs")
    String format = "";

    boolean toPrograms() {
      if (!format.isEmpty() && !format.equals("json")) {
        throw new BerthException.InvalidArgument("--format `" + format + "`: write json");
      }
      return !format.isEmpty();
    }

    /** Whoever shows the progress on standard output. */
    Consumer<Progress> to(Session session) {
      if (toPrograms()) {
        return step -> session.out().println(Document.of(step));
      }
      return quiet ? _ -> {} : view(session.out(), session.caller().writesTerminal());
    }
  }

  /** Shows progress on an output: drawn over where that is a terminal, else as plain lines. */
  private static Consumer<Progress> view(PrintStream output, boolean terminal) {
    return new ProgressView(output, terminal)::show;
  }

  /** Makes a call, shows the progress that it answers, and returns the images in it. */
  private static <Q> List<Image> show(
      Session session, Consumer<Progress> view, MethodDescriptor<Q, Progress> method, Q request) {
    return session.stream(
        method,
        request,
        steps -> {
          List<Image> images = new ArrayList<>();
          while (steps.hasNext()) {
            Progress step = steps.next();
            if (step.hasImage()) {
              images.add(step.getImage());
            }
            view.accept(step);
          }
          return images;
        });
  }

  private static void refuseTag(boolean allTags, String image) {
    if (allTags && image.substring(image.lastIndexOf('/') + 1).matches(".*[:@].*")) {
      throw new BerthException.InvalidArgument(
          "--all-tags with `" + image + "`: tag can't be used with --all-tags/-a; leave it out");
    }
  }

  private static List<Image> images(List<Progress> steps) {
    return steps.stream().filter(Progress::hasImage).map(Progress::getImage).toList();
  }

  /** Fetches an image from a registry. */
  @Command(description = "Fetch an image from a registry")
  public static final class Pull extends SessionCommand {
    @Option(names = "--platform", paramLabel = "OS/ARCH", description = "Instead of this machine's")
    String platform = "";

    @Option(
        names = {"-a", "--all-tags"},
        description = "All tags of the repository")
    boolean allTags;

    @Mixin RegistryOptions registry = new RegistryOptions();
    @Mixin Telling telling = new Telling();

    @Parameters(paramLabel = "IMAGE", description = "NAME[:TAG|@DIGEST]")
    String image = "";

    @Override
    public int run(Session session) {
      refuseTag(allTags, image);
      PullRequest.Builder request =
          PullRequest.newBuilder()
              .setRef(image)
              .setPlatform(platform)
              .setPlainHttp(registry.connection.plainHttp)
              .setInsecureTls(registry.connection.insecure)
              .setAllTags(allTags)
              .setCredentials(registry.credentials(session, image));
      PrintStream out = session.out();
      List<Image> all =
          show(session, telling.to(session), ImagesGrpc.getPullMethod(), request.build());
      if (telling.toPrograms()) {
        return 0;
      }
      for (Image pulled : all) {
        if (!telling.quiet) {
          out.println("Digest: " + pulled.getTarget().getDigest());
        }
        out.println(pulled.getNamesCount() == 0 ? pulled.getId() : pulled.getNames(0));
      }
      return 0;
    }
  }

  /** Sends an image to a registry. */
  @Command(description = "Send an image to a registry")
  public static final class Push extends SessionCommand {
    @Option(names = "--platform", paramLabel = "OS/ARCH", description = "Only this one of several")
    String platform = "";

    @Option(
        names = {"-a", "--all-tags"},
        description = "All names of the repository that are here")
    boolean allTags;

    @Mixin RegistryOptions registry = new RegistryOptions();
    @Mixin Telling telling = new Telling();

    @Parameters(paramLabel = "IMAGE", description = "NAME[:TAG]")
    String image = "";

    @Override
    public int run(Session session) {
      refuseTag(allTags, image);
      PushRequest.Builder request =
          PushRequest.newBuilder()
              .setRef(image)
              .setPlatform(platform)
              .setAllTags(allTags)
              .setPlainHttp(registry.connection.plainHttp)
              .setInsecureTls(registry.connection.insecure)
              .setCredentials(registry.credentials(session, image));
      var _ = show(session, telling.to(session), ImagesGrpc.getPushMethod(), request.build());
      return 0;
    }
  }

  /** Reads images from an archive. */
  @Command(description = "Read images from an archive")
  public static final class Load extends SessionCommand {
    @Option(
        names = {"-i", "--input"},
        paramLabel = "FILE",
        description = "Instead of standard input")
    @Nullable Path file;

    @Option(
        names = {"-q", "--quiet"},
        description = "Accepted: names only are shown")
    boolean quiet;

    @Option(names = "--name", paramLabel = "NAME", description = "For an archive without names")
    String name = "";

    @Option(
        names = "--platform",
        paramLabel = "OS/ARCH",
        split = ",",
        description = "Only these of images for several")
    List<String> platforms = new ArrayList<>();

    @Override
    public int run(Session session) {
      try (InputStream in = open(session, file == null ? "-" : file.toString())) {
        Upload<LoadRequest, Progress> upload =
            new Upload<>(
                bytes -> LoadRequest.newBuilder().setData(bytes).build(),
                LoadRequest.newBuilder().setName(name).addAllPlatforms(platforms).build());
        for (Progress step : upload.send(session, ImagesGrpc.getLoadMethod(), in)) {
          // Steps with an id are those of a layer.
          if (step.getStatus().equals("done") && step.getId().isEmpty()) {
            boolean named = !step.getMessage().startsWith("sha256:");
            session
                .out()
                .println(
                    named
                        ? "Loaded image: " + ImageDocument.familiar(step.getMessage())
                        : "Loaded image ID: " + step.getMessage());
          }
        }
        return 0;
      } catch (IOException e) {
        throw new BerthException.Internal("close the archive: " + e.getMessage(), e);
      }
    }
  }

  private static InputStream open(Session session, String file) {
    if (file.equals("-")) {
      return session.caller().in();
    }
    try {
      return Files.newInputStream(session.caller().path(file));
    } catch (IOException e) {
      throw new BerthException.InvalidArgument(
          "read `"
              + file
              + "`: "
              + (Files.exists(session.caller().path(file)) ? "not readable" : "no such file"),
          e);
    }
  }

  /** Makes an image of one layer from a file system's tar. */
  @Command(description = "Make an image of one layer from a file system's tar")
  public static final class Import extends SessionCommand {
    @Option(
        names = {"-m", "--message"},
        paramLabel = "TEXT",
        description = "Comment (default: where it came from)")
    String message = "";

    @Option(
        names = {"-c", "--change"},
        paramLabel = "INSTRUCTION",
        description = "CMD, ENV, ... of the configuration")
    List<String> changes = new ArrayList<>();

    @Option(names = "--platform", paramLabel = "OS/ARCH", description = "Instead of this machine's")
    String platform = "";

    @Parameters(index = "0", paramLabel = "FILE|-", description = "The tar, also compressed")
    String file = "";

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
      try (InputStream in = open(session, file)) {
        ImportRequest first =
            ImportRequest.newBuilder()
                .setName(tag.isEmpty() ? name : name + ":" + tag)
                .setMessage(message.isEmpty() ? "Imported from " + file : message)
                .addAllChanges(changes)
                .setPlatform(platform)
                .build();
        Upload<ImportRequest, Progress> upload =
            new Upload<>(bytes -> ImportRequest.newBuilder().setData(bytes).build(), first);
        for (Image image : images(upload.send(session, ImagesGrpc.getImportMethod(), in))) {
          session.out().println(image.getId());
        }
        return 0;
      } catch (IOException e) {
        throw new BerthException.Internal("close the archive: " + e.getMessage(), e);
      }
    }
  }

  /** Writes images as an archive. */
  @Command(description = "Write images as an archive")
  public static final class Save extends SessionCommand {
    @Option(
        names = {"-o", "--output"},
        paramLabel = "FILE",
        description = "Instead of standard output")
    @Nullable Path file;

    @Option(names = "--format", paramLabel = "FORMAT", description = "oci (default) or docker")
    String format = "";

    @Option(
        names = "--platform",
        paramLabel = "OS/ARCH",
        split = ",",
        description = "These of images for several (default: this machine's)")
    List<String> platforms = new ArrayList<>();

    @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "Name or id")
    List<String> images = new ArrayList<>();

    @Override
    public int run(Session session) {
      ImageCommands.refuseTerminal(session, file);
      SaveRequest request =
          SaveRequest.newBuilder()
              .addAllRefs(images)
              .addAllPlatforms(platforms)
              .setFormat(format)
              .build();
      FileCommands.download(session, file, ImagesGrpc.getSaveMethod(), request);
      return 0;
    }
  }
}
