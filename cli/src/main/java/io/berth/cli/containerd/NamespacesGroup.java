package io.berth.cli.containerd;

import com.google.protobuf.FieldMask;
import io.berth.api.containerd.services.namespaces.v1.CreateNamespaceRequest;
import io.berth.api.containerd.services.namespaces.v1.DeleteNamespaceRequest;
import io.berth.api.containerd.services.namespaces.v1.ListNamespacesRequest;
import io.berth.api.containerd.services.namespaces.v1.Namespace;
import io.berth.api.containerd.services.namespaces.v1.NamespacesGrpc;
import io.berth.api.containerd.services.namespaces.v1.UpdateNamespaceRequest;
import io.berth.base.text.Variables;
import io.berth.cli.command.ListingCommand;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.render.Listing;
import io.berth.cli.session.Session;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** The verbs on containerd's namespaces. */
public final class NamespacesGroup {
  private NamespacesGroup() {}

  /** Lists namespaces. */
  @Command(description = "List them")
  public static final class Ls extends ListingCommand<Namespace> {
    @Override
    protected List<Namespace> list(Session session) {
      refuseFilters("namespaces");
      return session
          .call(NamespacesGrpc.getListMethod(), ListNamespacesRequest.getDefaultInstance())
          .getNamespacesList();
    }

    @Override
    protected String key(Namespace namespace) {
      return namespace.getName();
    }

    @Override
    protected Listing listing() {
      return new Listing(List.of("NAME", "LABELS"), List.of("Name", "Labels"));
    }

    @Override
    protected void add(Listing listing, Namespace namespace, Instant now) {
      listing.add(namespace.getName(), LabelWords.of(namespace.getLabelsMap()));
    }
  }

  /** Makes a namespace. */
  @Command(description = "Make one")
  public static final class Create extends SessionCommand {
    @Parameters(index = "0", paramLabel = "NAME", description = "Of the namespace")
    String name = "";

    @Parameters(index = "1..*", arity = "0..*", paramLabel = "KEY=VALUE", description = "Labels")
    List<String> labels = new ArrayList<>();

    @Override
    public int run(Session session) {
      CreateNamespaceRequest request =
          CreateNamespaceRequest.newBuilder()
              .setNamespace(
                  Namespace.newBuilder()
                      .setName(name)
                      .putAllLabels(Variables.pairs("label", labels)))
              .build();
      session.call(NamespacesGrpc.getCreateMethod(), request);
      return 0;
    }
  }

  /** Sets labels of a namespace. */
  @Command(description = "Set labels; an empty value removes one")
  public static final class Label extends LabelCommand {
    @Parameters(index = "0", paramLabel = "NAME", description = "Of the namespace")
    String name = "";

    @Override
    void update(Session session, Map<String, String> changes, FieldMask mask) {
      UpdateNamespaceRequest request =
          UpdateNamespaceRequest.newBuilder()
              .setNamespace(Namespace.newBuilder().setName(name).putAllLabels(changes))
              .setUpdateMask(mask)
              .build();
      session.call(NamespacesGrpc.getUpdateMethod(), request);
    }
  }

  /** Removes empty namespaces. */
  @Command(description = "Remove empty ones")
  public static final class Rm extends SessionCommand {
    @Parameters(arity = "1..*", paramLabel = "NAME", description = "Of the namespace")
    List<String> names = new ArrayList<>();

    @Override
    public int run(Session session) {
      return each(
          session,
          names,
          name -> {
            DeleteNamespaceRequest request =
                DeleteNamespaceRequest.newBuilder().setName(name).build();
            session.call(NamespacesGrpc.getDeleteMethod(), request);
            session.out().println(name);
          });
    }
  }
}
