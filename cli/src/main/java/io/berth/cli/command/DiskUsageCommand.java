package io.berth.cli.command;

import com.google.protobuf.Empty;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.volume.v1.Volume;
import io.berth.api.berth.volume.v1.VolumesGrpc;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.api.containerd.services.snapshots.v1.UsageRequest;
import io.berth.base.error.BerthException;
import io.berth.cli.render.ContainerWords;
import io.berth.cli.render.ImageDocument;
import io.berth.cli.render.Listing;
import io.berth.cli.render.Words;
import io.berth.cli.session.Session;
import io.berth.oci.image.ChainId;
import java.io.PrintStream;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Tells what images, containers and volumes take of the disk, and how much of it nobody needs, with
 * docker's numbers. The build cache is always empty, because nothing is built here.
 */
@Command(description = "What takes the disk, and how much of it nobody needs")
public final class DiskUsageCommand extends SessionCommand {
  @Option(
      names = {"-v", "--verbose"},
      description = "Each image, container and volume")
  boolean verbose;

  @Option(names = "--format", paramLabel = "json|TEMPLATE", description = "For programs")
  String format = "";

  /** What is there, with sizes. */
  private record Found(
      List<Image> images,
      List<Container> containers,
      List<Volume> volumes,
      Map<String, Long> layers,
      Map<String, Integer> owners) {
    /** The bytes of an image's layers that another image has too. */
    long shared(Image image) {
      return ChainId.all(image.getDiffIdsList()).stream()
          .filter(layer -> owners.getOrDefault(layer, 0) > 1)
          .mapToLong(layer -> layers.getOrDefault(layer, 0L))
          .sum();
    }

    long containersOf(Image image) {
      return containers.stream()
          .filter(container -> container.getImageId().equals(image.getId()))
          .count();
    }
  }

  @Override
  public int run(Session session) {
    if (verbose && !format.isEmpty()) {
      throw new BerthException.InvalidArgument(
          "system df -v --format: the long form has no rows of one kind; leave one of the two out");
    }
    Found found = look(session);
    if (verbose) {
      showAll(session.out(), found, Instant.now());
    } else {
      showSums(session.out(), found);
    }
    return 0;
  }

  private static Found look(Session session) {
    List<Image> images =
        session
            .call(
                ImagesGrpc.getListMethod(),
                io.berth.api.berth.image.v1.ListRequest.getDefaultInstance())
            .getImagesList();
    ListRequest all = ListRequest.newBuilder().setAll(true).setSize(true).build();
    List<Container> containers =
        session.call(ContainersGrpc.getListMethod(), all).getContainersList();
    List<Volume> volumes =
        session
            .call(
                VolumesGrpc.getListMethod(),
                io.berth.api.berth.volume.v1.ListRequest.newBuilder().setSize(true).build())
            .getVolumesList();
    String snapshotter =
        session.call(ImagesGrpc.getUsageMethod(), Empty.getDefaultInstance()).getSnapshotter();
    Map<String, Long> layers = new HashMap<>();
    Map<String, Integer> owners = new HashMap<>();
    for (Image image : images) {
      for (String layer : ChainId.all(image.getDiffIdsList())) {
        owners.merge(layer, 1, Integer::sum);
        layers.computeIfAbsent(layer, name -> bytes(session, snapshotter, name));
      }
    }
    return new Found(images, containers, volumes, layers, owners);
  }

  private static long bytes(Session session, String snapshotter, String layer) {
    UsageRequest request =
        UsageRequest.newBuilder().setSnapshotter(snapshotter).setKey(layer).build();
    try {
      return session.call(SnapshotsGrpc.getUsageMethod(), request).getSize();
    } catch (BerthException.NotFound e) {
      // It was pulled and is not unpacked yet.
      return 0;
    }
  }

  private void showSums(PrintStream out, Found found) {
    Listing listing =
        new Listing(
            "formatter.diskUsageContext",
            "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
            Listing.titles(
                "Type", "TYPE",
                "TotalCount", "TOTAL",
                "Active", "ACTIVE",
                "Size", "SIZE",
                "Reclaimable", "RECLAIMABLE"));
    long layers = found.layers.values().stream().mapToLong(Long::longValue).sum();
    List<Image> used =
        found.images.stream().filter(image -> found.containersOf(image) > 0).toList();
    long needed = sum(used, image -> image.getSize() - found.shared(image));
    row(listing, "Images", found.images.size(), used.size(), layers, layers - needed);
    List<Container> running = found.containers.stream().filter(DiskUsageCommand::isActive).toList();
    long written = sum(found.containers, Container::getSizeRw);
    row(
        listing,
        "Containers",
        found.containers.size(),
        running.size(),
        written,
        written - sum(running, Container::getSizeRw));
    List<Volume> mounted =
        found.volumes.stream().filter(volume -> volume.getUsersCount() > 0).toList();
    long kept = sum(found.volumes, volume -> Math.max(0, volume.getSize()));
    row(
        listing,
        "Local Volumes",
        found.volumes.size(),
        mounted.size(),
        kept,
        kept - sum(mounted, volume -> Math.max(0, volume.getSize())));
    // Nothing is built here; docker's scripts look for the row.
    row(listing, "Build Cache", 0, 0, 0, 0);
    listing.print(out, format);
  }

  private static <T> long sum(List<T> things, ToLongFunction<T> bytes) {
    return things.stream().mapToLong(bytes).sum();
  }

  private static boolean isActive(Container container) {
    State state = container.getState().getState();
    return state == State.STATE_RUNNING
        || state == State.STATE_PAUSED
        || state == State.STATE_RESTARTING;
  }

  private static void row(
      Listing listing, String type, int total, int active, long size, long reclaimable) {
    String share = size > 0 ? " (" + reclaimable * 100 / size + "%)" : "";
    listing
        .row()
        .cell("Type", () -> type)
        .cell("TotalCount", () -> String.valueOf(total))
        .cell("Active", () -> String.valueOf(active))
        .cell("Size", () -> Words.sum(size))
        .cell("Reclaimable", () -> Words.sum(reclaimable) + share);
  }

  private static void showAll(PrintStream out, Found found, Instant now) {
    out.println("Images space usage:\n");
    Listing images =
        new Listing(
            List.of(
                "REPOSITORY",
                "TAG",
                "IMAGE ID",
                "CREATED",
                "SIZE",
                "SHARED SIZE",
                "UNIQUE SIZE",
                "CONTAINERS"),
            List.of("R", "T", "I", "A", "S", "H", "U", "C"));
    for (Image image : found.images) {
      String name =
          image.getNamesCount() == 0 ? "<none>:<none>" : ImageDocument.familiar(image.getNames(0));
      long shared = found.shared(image);
      images.add(
          ImageDocument.repository(name),
          ImageDocument.tag(name),
          Words.shortId(image.getId()),
          image.hasCreatedAt() ? Words.ago(image.getCreatedAt(), now) : "N/A",
          Words.size(image.getSize()),
          Words.sum(shared),
          Words.sum(image.getSize() - shared),
          String.valueOf(found.containersOf(image)));
    }
    images.print(out, "");
    out.println("\nContainers space usage:\n");
    containers(found.containers, now).print(out, "");
    out.println("\nLocal Volumes space usage:\n");
    Listing volumes = new Listing(List.of("VOLUME NAME", "LINKS", "SIZE"), List.of("N", "L", "S"));
    for (Volume volume : found.volumes) {
      volumes.add(
          volume.getName(),
          String.valueOf(volume.getUsersCount()),
          volume.getSize() < 0 ? "N/A" : Words.sum(volume.getSize()));
    }
    volumes.print(out, "");
    out.println("\nBuild cache usage: 0B\n");
    new Listing(
            List.of("CACHE ID", "CACHE TYPE", "SIZE", "CREATED", "LAST USED", "USAGE", "SHARED"),
            List.of("I", "T", "S", "A", "L", "U", "H"))
        .print(out, "");
  }

  private static Listing containers(List<Container> all, Instant now) {
    Listing listing =
        new Listing(
            List.of(
                "CONTAINER ID",
                "IMAGE",
                "COMMAND",
                "LOCAL VOLUMES",
                "SIZE",
                "CREATED",
                "STATUS",
                "NAMES"),
            List.of("D", "I", "C", "V", "S", "A", "T", "N"));
    for (Container container : all) {
      listing.add(
          Words.shortId(container.getId()),
          ContainerWords.image(container),
          "\"" + Words.cut(ContainerWords.command(container), 20) + "\"",
          String.valueOf(ContainerWords.volumes(container)),
          Words.size(container.getSizeRw()),
          Words.ago(container.getCreatedAt(), now),
          ContainerWords.status(container.getState(), now),
          container.getName());
    }
    return listing;
  }
}
