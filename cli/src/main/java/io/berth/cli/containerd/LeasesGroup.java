package io.berth.cli.containerd;

import io.berth.api.containerd.services.leases.v1.CreateRequest;
import io.berth.api.containerd.services.leases.v1.DeleteRequest;
import io.berth.api.containerd.services.leases.v1.Lease;
import io.berth.api.containerd.services.leases.v1.LeasesGrpc;
import io.berth.api.containerd.services.leases.v1.ListRequest;
import io.berth.api.containerd.services.leases.v1.ListResourcesRequest;
import io.berth.api.containerd.services.leases.v1.Resource;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.parse.Moments;
import io.berth.cli.parse.Variables;
import io.berth.cli.render.Listing;
import io.berth.cli.render.Table;
import io.berth.cli.render.Words;
import io.berth.cli.session.Session;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What keeps content and snapshots from the collector. */
public final class LeasesGroup {
  private LeasesGroup() {}

  /** {@code leases ls}. */
  @Command(description = "List them")
  public static final class Ls extends SessionCommand {
    private static final List<String> FIELDS = List.of("ID", "CreatedAt", "Labels");

    @Option(
        names = {"-q", "--quiet"},
        description = "Ids only")
    boolean quiet;

    @Option(names = "--format", paramLabel = "json|TEMPLATE", description = "For programs")
    String format = "";

    @Parameters(arity = "0..*", paramLabel = "FILTER", description = "e.g. labels.key==value")
    List<String> filters = new ArrayList<>();

    @Override
    public int run(Session session) {
      List<Lease> all =
          session
              .call(
                  LeasesGrpc.getListMethod(),
                  ListRequest.newBuilder().addAllFilters(filters).build())
              .getLeasesList();
      if (quiet) {
        all.forEach(one -> session.out().println(one.getId()));
        return 0;
      }
      Listing listing = new Listing("ID", "CREATED AT", "LABELS");
      for (Lease one : all) {
        listing.add(
            FIELDS,
            one.getId(),
            Words.instant(one.getCreatedAt()).toString(),
            LabelWords.of(one.getLabelsMap()));
      }
      listing.print(session.out(), format);
      return 0;
    }
  }

  /** {@code leases create}. */
  @Command(description = "Make one and print its id")
  public static final class Create extends SessionCommand {
    @Option(names = "--id", paramLabel = "ID", description = "Default: a generated one")
    String id = "";

    @Option(
        names = {"-x", "--expires"},
        paramLabel = "DURATION",
        description = "Given up after e.g. 24h; 0: never")
    String expires = "24h";

    @Parameters(arity = "0..*", paramLabel = "KEY=VALUE", description = "Labels")
    List<String> labels = new ArrayList<>();

    @Override
    public int run(Session session) {
      Map<String, String> all = new HashMap<>(Variables.pairs("label", labels));
      if (!expires.equals("0")) {
        Instant now = Instant.now();
        // An age of so much, counted forwards.
        Duration length =
            Duration.between(Words.instant(Moments.parse("--expires", expires, now)), now);
        all.put("containerd.io/gc.expire", now.plus(length).toString());
      }
      CreateRequest request = CreateRequest.newBuilder().setId(id).putAllLabels(all).build();
      Lease lease = session.call(LeasesGrpc.getCreateMethod(), request).getLease();
      session.out().println(lease.getId());
      return 0;
    }
  }

  /** {@code leases resources}. */
  @Command(description = "What one holds")
  public static final class Resources extends SessionCommand {
    @Parameters(paramLabel = "ID", description = "Of the lease")
    String id = "";

    @Override
    public int run(Session session) {
      Table table = new Table("TYPE", "ID");
      for (Resource resource :
          session
              .call(
                  LeasesGrpc.getListResourcesMethod(),
                  ListResourcesRequest.newBuilder().setId(id).build())
              .getResourcesList()) {
        table.row(resource.getType(), resource.getId());
      }
      table.print(session.out());
      return 0;
    }
  }

  /** {@code leases rm}. */
  @Command(description = "Give them up")
  public static final class Rm extends SessionCommand {
    @Option(names = "--sync", description = "Return after a collection")
    boolean sync;

    @Parameters(arity = "1..*", paramLabel = "ID", description = "Of the lease")
    List<String> ids = new ArrayList<>();

    @Override
    public int run(Session session) {
      return each(
          session,
          ids,
          id -> {
            DeleteRequest request = DeleteRequest.newBuilder().setId(id).setSync(sync).build();
            session.call(LeasesGrpc.getDeleteMethod(), request);
            session.out().println(id);
          });
    }
  }
}
