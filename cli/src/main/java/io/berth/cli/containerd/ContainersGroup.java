package io.berth.cli.containerd;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.FieldMask;
import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.api.containerd.services.containers.v1.ContainersGrpc;
import io.berth.api.containerd.services.containers.v1.DeleteContainerRequest;
import io.berth.api.containerd.services.containers.v1.GetContainerRequest;
import io.berth.api.containerd.services.containers.v1.ListContainersRequest;
import io.berth.api.containerd.services.containers.v1.UpdateContainerRequest;
import io.berth.api.containerd.services.snapshots.v1.RemoveSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.base.json.Json;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.render.Document;
import io.berth.cli.render.Listing;
import io.berth.cli.render.Pretty;
import io.berth.cli.session.Session;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The verbs on records of containers, whichever client has made them. */
public final class ContainersGroup {
  private ContainersGroup() {}

  private static Container get(Session session, String id) {
    return session
        .call(ContainersGrpc.getGetMethod(), GetContainerRequest.newBuilder().setId(id).build())
        .getContainer();
  }

  /** Lists records. */
  @Command(description = "List them")
  public static final class Ls extends FilteredListing<Container> {
    @Override
    protected List<Container> list(Session session) {
      ListContainersRequest request =
          ListContainersRequest.newBuilder().addAllFilters(filters()).build();
      return session.call(ContainersGrpc.getListMethod(), request).getContainersList();
    }

    @Override
    protected String key(Container container) {
      return container.getId();
    }

    @Override
    protected Listing listing() {
      return new Listing(
          List.of("CONTAINER", "IMAGE", "RUNTIME"), List.of("ID", "Image", "Runtime"));
    }

    @Override
    protected void add(Listing listing, Container container, Instant now) {
      String image = container.getImage().isEmpty() ? "-" : container.getImage();
      listing.add(container.getId(), image, container.getRuntime().getName());
    }
  }

  /** Shows a record with its specification. */
  @Command(description = "One, as JSON, with its specification")
  public static final class Info extends SessionCommand {
    @Option(names = "--spec", description = "The specification alone")
    boolean spec;

    @Parameters(paramLabel = "ID", description = "Of the container")
    String id = "";

    @Override
    public int run(Session session) {
      Container container = get(session, id);
      ObjectNode node = Document.of(container);
      node.set(
          "spec",
          container.getSpec().getValue().isEmpty()
              ? Json.mapper().nullNode()
              : Json.tree(container.getSpec().getValue().toByteArray(), "specification"));
      session.out().println(Pretty.text(spec ? node.get("spec") : node));
      return 0;
    }
  }

  /** Sets labels of a record. */
  @Command(description = "Set labels; an empty value removes one")
  public static final class Label extends LabelCommand {
    @Parameters(index = "0", paramLabel = "ID", description = "Of the container")
    String id = "";

    @Override
    void update(Session session, Map<String, String> changes, FieldMask mask) {
      UpdateContainerRequest request =
          UpdateContainerRequest.newBuilder()
              .setContainer(Container.newBuilder().setId(id).putAllLabels(changes))
              .setUpdateMask(mask)
              .build();
      Container updated = session.call(ContainersGrpc.getUpdateMethod(), request).getContainer();
      session.out().println(LabelWords.of(updated.getLabelsMap()));
    }
  }

  /** Deletes records, and the snapshots that they name. */
  @Command(description = "Delete records, and their snapshots")
  public static final class Rm extends SessionCommand {
    @Option(names = "--keep-snapshot", description = "Leave the snapshot")
    boolean keep;

    @Parameters(arity = "1..*", paramLabel = "ID", description = "Of the container")
    List<String> ids = new ArrayList<>();

    @Override
    public int run(Session session) {
      return each(session, ids, id -> delete(session, id));
    }

    private void delete(Session session, String id) {
      Container container = get(session, id);
      session.call(
          ContainersGrpc.getDeleteMethod(), DeleteContainerRequest.newBuilder().setId(id).build());
      if (keep || container.getSnapshotKey().isEmpty()) {
        return;
      }
      RemoveSnapshotRequest request =
          RemoveSnapshotRequest.newBuilder()
              .setSnapshotter(container.getSnapshotter())
              .setKey(container.getSnapshotKey())
              .build();
      session.call(SnapshotsGrpc.getRemoveMethod(), request);
    }
  }
}
