package io.berth.cli.containerd;

import com.google.protobuf.FieldMask;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.DeleteContentRequest;
import io.berth.api.containerd.services.content.v1.Info;
import io.berth.api.containerd.services.content.v1.ListContentRequest;
import io.berth.api.containerd.services.content.v1.ListStatusesRequest;
import io.berth.api.containerd.services.content.v1.ReadContentRequest;
import io.berth.api.containerd.services.content.v1.Status;
import io.berth.api.containerd.services.content.v1.UpdateRequest;
import io.berth.base.error.BerthException;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.render.Listing;
import io.berth.cli.render.Words;
import io.berth.cli.session.Session;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** The verbs on blobs of the content store. */
public final class ContentGroup {
  private ContentGroup() {}

  /** Lists blobs. */
  @Command(description = "List them")
  public static final class Ls extends FilteredListing<Info> {
    @Override
    protected List<Info> list(Session session) {
      return session.stream(
          ContentGrpc.getListMethod(),
          ListContentRequest.newBuilder().addAllFilters(filters()).build(),
          parts -> {
            List<Info> found = new ArrayList<>();
            parts.forEachRemaining(part -> found.addAll(part.getInfoList()));
            return found;
          });
    }

    @Override
    protected String key(Info blob) {
      return blob.getDigest();
    }

    @Override
    protected Listing listing() {
      return new Listing(
          List.of("DIGEST", "SIZE", "AGE", "LABELS"), List.of("Digest", "Size", "Age", "Labels"));
    }

    @Override
    protected void add(Listing listing, Info blob, Instant now) {
      listing.add(
          blob.getDigest(),
          Words.size(blob.getSize()),
          Words.ago(blob.getCreatedAt(), now),
          LabelWords.of(blob.getLabelsMap()));
    }
  }

  /** Writes a blob to standard output. */
  @Command(description = "One, on standard output")
  public static final class Get extends SessionCommand {
    @Parameters(paramLabel = "DIGEST", description = "sha256:...")
    String digest = "";

    @Override
    public int run(Session session) {
      return session.stream(
          ContentGrpc.getReadMethod(),
          ReadContentRequest.newBuilder().setDigest(digest).build(),
          parts -> {
            try {
              while (parts.hasNext()) {
                parts.next().getData().writeTo(session.out());
              }
            } catch (IOException e) {
              throw new BerthException.ResourceExhausted("write: " + e.getMessage(), e);
            }
            return 0;
          });
    }
  }

  /** Lists the blobs that are being written. */
  @Command(description = "What is being written")
  public static final class Active extends FilteredListing<Status> {
    @Override
    protected List<Status> list(Session session) {
      ListStatusesRequest request =
          ListStatusesRequest.newBuilder().addAllFilters(filters()).build();
      return session.call(ContentGrpc.getListStatusesMethod(), request).getStatusesList();
    }

    @Override
    protected String key(Status status) {
      return status.getRef();
    }

    @Override
    protected Listing listing() {
      return new Listing(
          List.of("REF", "SIZE", "TOTAL", "AGE"), List.of("Ref", "Offset", "Total", "Age"));
    }

    @Override
    protected void add(Listing listing, Status status, Instant now) {
      listing.add(
          status.getRef(),
          Words.size(status.getOffset()),
          Words.size(status.getTotal()),
          Words.ago(status.getStartedAt(), now));
    }
  }

  /** Sets labels of a blob. */
  @Command(description = "Set labels; an empty value removes one")
  public static final class Label extends LabelCommand {
    @Parameters(index = "0", paramLabel = "DIGEST", description = "sha256:...")
    String digest = "";

    @Override
    void update(Session session, Map<String, String> changes, FieldMask mask) {
      UpdateRequest request =
          UpdateRequest.newBuilder()
              .setInfo(Info.newBuilder().setDigest(digest).putAllLabels(changes))
              .setUpdateMask(mask)
              .build();
      Info updated = session.call(ContentGrpc.getUpdateMethod(), request).getInfo();
      session.out().println(LabelWords.of(updated.getLabelsMap()));
    }
  }

  /** Deletes blobs, whatever refers to them. */
  @Command(description = "Delete blobs, whatever refers to them")
  public static final class Rm extends SessionCommand {
    @Parameters(arity = "1..*", paramLabel = "DIGEST", description = "sha256:...")
    List<String> digests = new ArrayList<>();

    @Override
    public int run(Session session) {
      return each(
          session,
          digests,
          digest -> {
            DeleteContentRequest request =
                DeleteContentRequest.newBuilder().setDigest(digest).build();
            session.call(ContentGrpc.getDeleteMethod(), request);
            session.out().println(digest);
          });
    }
  }
}
