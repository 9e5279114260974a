package io.berth.cli.command;

import io.berth.api.berth.image.v1.HistoryEntry;
import io.berth.api.berth.image.v1.HistoryRequest;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.ListRequest;
import io.berth.api.berth.image.v1.RemoveRequest;
import io.berth.api.berth.image.v1.RemoveResponse;
import io.berth.api.berth.image.v1.ResolveRequest;
import io.berth.api.berth.image.v1.TagRequest;
import io.berth.api.berth.image.v1.VerifyRequest;
import io.berth.api.berth.image.v1.VerifyResponse;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.Timestamps;
import io.berth.cli.render.ImageDocument;
import io.berth.cli.render.Listing;
import io.berth.cli.render.Words;
import io.berth.cli.session.Session;
import io.berth.cli.template.Cells;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The verbs on images that are here. */
public final class ImageCommands {
  private ImageCommands() {}

  static Image resolve(Session session, String ref) {
    return session.call(
        ImagesGrpc.getResolveMethod(), ResolveRequest.newBuilder().setRef(ref).build());
  }

  /**
   * Refuses to write an archive to a terminal, where it would be unreadable and could change its
   * mode.
   */
  static void refuseTerminal(Session session, @Nullable Path file) {
    if (file == null && session.caller().writesTerminal()) {
      throw new BerthException.InvalidArgument(
          "standard output is a terminal: redirect it, or give a file");
    }
  }

  /** Lists images, with a line for each name of one. */
  @Command(description = "List images")
  public static final class Images extends ListingCommand<Image> {
    @Option(
        names = {"-a", "--all"},
        description = "Accepted: there are no hidden ones")
    boolean all;

    @Option(names = "--digests", description = "With digests")
    boolean digests;

    @Parameters(arity = "0..1", paramLabel = "NAME", description = "Only of this repository")
    String name = "";

    @Override
    protected List<Image> list(Session session) {
      ListRequest request = ListRequest.newBuilder().setName(name).addAllFilters(filters()).build();
      return session.call(ImagesGrpc.getListMethod(), request).getImagesList();
    }

    @Override
    protected String key(Image image) {
      return id(image.getId());
    }

    @Override
    protected Listing listing() {
      return new Listing(
          "formatter.imageContext",
          "{{.Repository}}\t{{.Tag}}\t"
              + (digests ? "{{.Digest}}\t" : "")
              + "{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
          Listing.titles(
              "ID", "IMAGE ID",
              "Repository", "REPOSITORY",
              "Tag", "TAG",
              "Digest", "DIGEST",
              "CreatedSince", "CREATED",
              "CreatedAt", "CREATED AT",
              "Size", "SIZE",
              "Containers", "CONTAINERS",
              "VirtualSize", "SIZE",
              "SharedSize", "SHARED SIZE",
              "UniqueSize", "UNIQUE SIZE"));
    }

    @Override
    protected void add(Listing listing, Image image, Instant now) {
      List<String> names =
          image.getNamesCount() == 0 ? List.of("<none>:<none>") : image.getNamesList();
      names.stream().filter(this::isWanted).forEach(full -> add(listing.row(), image, full, now));
    }

    /** Whether a name is to be shown. An image that has the wanted name may have others as well. */
    private boolean isWanted(String full) {
      String familiar = ImageDocument.familiar(full);
      return name.isEmpty()
          || name.equals(familiar)
          || name.equals(full)
          || name.equals(ImageDocument.repository(familiar))
          || name.equals(ImageDocument.repository(full));
    }

    private void add(Cells row, Image image, String full, Instant now) {
      String familiar = ImageDocument.familiar(full);
      String digest = image.getTarget().getDigest();
      row.cell("ID", () -> id(image.getId()))
          .cell("Repository", () -> ImageDocument.repository(familiar))
          .cell("Tag", () -> ImageDocument.tag(familiar))
          .cell("Digest", () -> digest.isEmpty() ? "<none>" : digest)
          .cell(
              "CreatedSince",
              () -> image.hasCreatedAt() ? Words.ago(image.getCreatedAt(), now) : "N/A")
          .cell("CreatedAt", () -> image.hasCreatedAt() ? moment(image.getCreatedAt()) : "N/A")
          .cell("Size", () -> Words.size(image.getSize()))
          .cell("VirtualSize", () -> Words.sum(image.getSize()))
          // What docker says as well where nobody has counted.
          .cell("Containers", () -> "N/A")
          .cell("SharedSize", () -> "N/A")
          .cell("UniqueSize", () -> "N/A");
    }
  }

  /** Gives an image another name. */
  @Command(description = "Give an image another name")
  public static final class Tag extends SessionCommand {
    @Option(
        names = {"-f", "--force"},
        hidden = true,
        description = "Accepted: a name always moves")
    boolean force;

    @Parameters(index = "0", paramLabel = "IMAGE", description = "Name or id")
    String image = "";

    @Parameters(index = "1", paramLabel = "NAME[:TAG]", description = "The new name")
    String name = "";

    @Parameters(index = "2", arity = "0..1", hidden = true, description = "The tag by itself")
    String tag = "";

    @Override
    public int run(Session session) {
      TagRequest request =
          TagRequest.newBuilder()
              .setRef(image)
              .setName(tag.isEmpty() ? name : name + ":" + tag)
              .build();
      session.call(ImagesGrpc.getTagMethod(), request);
      return 0;
    }
  }

  /** Removes images, or names of images that have several. */
  @Command(description = "Remove images")
  public static final class Rmi extends SessionCommand {
    @Option(
        names = {"-f", "--force"},
        description = "Also with several names or stopped containers")
    boolean force;

    @Option(names = "--no-prune", description = "Only the name")
    boolean noPrune;

    @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "Name or id")
    List<String> images = new ArrayList<>();

    @Override
    public int run(Session session) {
      PrintStream out = session.out();
      return each(
          session,
          images,
          /* absentIsFine= */ force,
          image -> {
            RemoveRequest request =
                RemoveRequest.newBuilder()
                    .setRef(image)
                    .setForce(force)
                    .setNoPrune(noPrune)
                    .build();
            RemoveResponse removed = session.call(ImagesGrpc.getRemoveMethod(), request);
            removed
                .getUntaggedList()
                .forEach(name -> out.println("Untagged: " + ImageDocument.familiar(name)));
            removed.getDeletedList().forEach(id -> out.println("Deleted: " + id));
          });
    }
  }

  /** Lists how an image came to be, the last step first. */
  @Command(description = "How an image came to be")
  public static final class History extends ListingCommand<HistoryEntry> {
    private static final int COMMAND_WIDTH = 45;

    @Option(
        names = {"-H", "--human"},
        description = "Sizes and ages in words (default: true); --human=false: bytes and times")
    boolean human = true;

    @Parameters(paramLabel = "IMAGE", description = "Name or id")
    String image = "";

    @Override
    protected List<HistoryEntry> list(Session session) {
      refuseFilters("the history of an image");
      HistoryRequest request = HistoryRequest.newBuilder().setRef(image).build();
      return session.call(ImagesGrpc.getHistoryMethod(), request).getEntriesList();
    }

    @Override
    protected String key(HistoryEntry entry) {
      return entry.getId().isEmpty() ? "<missing>" : Words.shortId(entry.getId());
    }

    @Override
    protected Listing listing() {
      return new Listing(
          "image.historyContext",
          "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
          Listing.titles(
              "ID", "IMAGE",
              "CreatedSince", "CREATED",
              "CreatedAt", "CREATED AT",
              "CreatedBy", "CREATED BY",
              "Size", "SIZE",
              "Comment", "COMMENT"));
    }

    @Override
    protected void add(Listing listing, HistoryEntry entry, Instant now) {
      listing
          .row()
          .cell("ID", () -> key(entry))
          .cell(
              "CreatedSince",
              () ->
                  !human
                      ? moment(entry)
                      : entry.hasCreatedAt() ? Words.ago(entry.getCreatedAt(), now) : "N/A")
          .cell("CreatedAt", () -> moment(entry))
          .cell("CreatedBy", () -> cut(entry.getCreatedBy(), COMMAND_WIDTH))
          .cell("Size", () -> human ? Words.size(entry.getSize()) : String.valueOf(entry.getSize()))
          .cell("Comment", entry::getComment);
    }

    private static String moment(HistoryEntry entry) {
      return entry.hasCreatedAt() ? Timestamps.instant(entry.getCreatedAt()).toString() : "N/A";
    }
  }

  /** Reads what is stored of images, hashes it again, and tells what differs. */
  @Command(description = "Read and hash again what is stored")
  public static final class Verify extends SessionCommand {
    @Parameters(arity = "0..1", paramLabel = "IMAGE", description = "Only this one")
    String image = "";

    @Override
    public int run(Session session) {
      return session.stream(
          ImagesGrpc.getVerifyMethod(),
          VerifyRequest.newBuilder().setRef(image).build(),
          found -> {
            int damaged = 0;
            while (found.hasNext()) {
              VerifyResponse one = found.next();
              if (one.getFinding().isEmpty()) {
                session
                    .out()
                    .println(
                        one.getChecked() + " blobs, " + Words.size(one.getBytes()) + " checked");
              } else {
                session.out().println(one.getDigest() + ": " + one.getFinding());
                damaged++;
              }
            }
            return damaged == 0 ? 0 : 1;
          });
    }
  }
}
