package io.berth.cli.containerd;

import io.berth.api.containerd.services.leases.v1.CreateRequest;
import io.berth.api.containerd.services.leases.v1.DeleteRequest;
import io.berth.api.containerd.services.leases.v1.Lease;
import io.berth.api.containerd.services.leases.v1.LeasesGrpc;
import io.berth.api.containerd.services.leases.v1.ListRequest;
import io.berth.api.containerd.services.leases.v1.ListResourcesRequest;
import io.berth.api.containerd.services.leases.v1.Resource;
import io.berth.base.rpc.Timestamps;
import io.berth.base.text.GoDuration;
import io.berth.base.text.Variables;
import io.berth.cli.command.ListingCommand;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.render.Listing;
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

/** The verbs on leases, which keep content and snapshots from being collected. */
public final class LeasesGroup {
  private LeasesGroup() {}

  /** Lists leases. */
  @Command(description = "List them")
  public static final class Ls extends FilteredListing<Lease> {
    @Override
    protected List<Lease> list(Session session) {
      ListRequest request = ListRequest.newBuilder().addAllFilters(filters()).build();
      return session.call(LeasesGrpc.getListMethod(), request).getLeasesList();
    }

    @Override
    protected String key(Lease lease) {
      return lease.getId();
    }

    @Override
    protected Listing listing() {
      return new Listing(
          List.of("ID", "CREATED AT", "LABELS"), List.of("ID", "CreatedAt", "Labels"));
    }

    @Override
    protected void add(Listing listing, Lease lease, Instant now) {
      listing.add(
          lease.getId(),
          Timestamps.instant(lease.getCreatedAt()).toString(),
          LabelWords.of(lease.getLabelsMap()));
    }
  }

  /** Makes a lease and prints its id. */
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
        Duration length = GoDuration.parsePositive("--expires", expires);
        all.put("containerd.io/gc.expire", Instant.now().plus(length).toString());
      }
      CreateRequest request = CreateRequest.newBuilder().setId(id).putAllLabels(all).build();
      Lease lease = session.call(LeasesGrpc.getCreateMethod(), request).getLease();
      session.out().println(lease.getId());
      return 0;
    }
  }

  /** Lists what a lease holds. */
  @Command(description = "What one holds")
  public static final class Resources extends ListingCommand<Resource> {
    @Parameters(paramLabel = "ID", description = "Of the lease")
    String id = "";

    @Override
    protected List<Resource> list(Session session) {
      refuseFilters("what a lease holds");
      ListResourcesRequest request = ListResourcesRequest.newBuilder().setId(id).build();
      return session.call(LeasesGrpc.getListResourcesMethod(), request).getResourcesList();
    }

    @Override
    protected String key(Resource resource) {
      return resource.getId();
    }

    @Override
    protected Listing listing() {
      return new Listing(List.of("TYPE", "ID"), List.of("Type", "ID"));
    }

    @Override
    protected void add(Listing listing, Resource resource, Instant now) {
      listing.add(resource.getType(), resource.getId());
    }
  }

  /** Gives leases up. */
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
