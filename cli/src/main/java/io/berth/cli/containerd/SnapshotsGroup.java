package io.berth.cli.containerd;

import io.berth.api.containerd.services.snapshots.v1.Info;
import io.berth.api.containerd.services.snapshots.v1.ListSnapshotsRequest;
import io.berth.api.containerd.services.snapshots.v1.MountsRequest;
import io.berth.api.containerd.services.snapshots.v1.RemoveSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.api.containerd.services.snapshots.v1.UsageRequest;
import io.berth.api.containerd.services.snapshots.v1.UsageResponse;
import io.berth.api.containerd.types.Mount;
import io.berth.cli.command.ListingCommand;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.render.Listing;
import io.berth.cli.render.Words;
import io.berth.cli.session.Session;
import java.io.PrintStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The verbs on snapshots, which are layers and root file systems. */
public final class SnapshotsGroup {
  private SnapshotsGroup() {}

  /** Which snapshotter is meant, for every verb of the group. */
  static final class Snapshotter {
    @Option(names = "--snapshotter", paramLabel = "NAME", description = "Default: overlayfs")
    String name = "overlayfs";

    List<Info> list(Session session, List<String> filters) {
      ListSnapshotsRequest request =
          ListSnapshotsRequest.newBuilder().setSnapshotter(name).addAllFilters(filters).build();
      return session.stream(
          SnapshotsGrpc.getListMethod(),
          request,
          parts -> {
            List<Info> found = new ArrayList<>();
            parts.forEachRemaining(part -> found.addAll(part.getInfoList()));
            return found;
          });
    }
  }

  /** Lists snapshots. */
  @Command(description = "List them")
  public static final class Ls extends FilteredListing<Info> {
    @Mixin Snapshotter snapshotter = new Snapshotter();

    @Override
    protected List<Info> list(Session session) {
      return snapshotter.list(session, filters());
    }

    @Override
    protected String key(Info snapshot) {
      return snapshot.getName();
    }

    @Override
    protected Listing listing() {
      return new Listing(List.of("KEY", "PARENT", "KIND"), List.of("Key", "Parent", "Kind"));
    }

    @Override
    protected void add(Listing listing, Info snapshot, Instant now) {
      listing.add(snapshot.getName(), snapshot.getParent(), snapshot.getKind().name());
    }
  }

  /** Prints each snapshot below its parent. */
  @Command(description = "Each below its parent")
  public static final class Tree extends SessionCommand {
    @Mixin Snapshotter snapshotter = new Snapshotter();

    @Override
    public int run(Session session) {
      Map<String, List<String>> children = new TreeMap<>();
      for (Info info : snapshotter.list(session, List.of())) {
        children.computeIfAbsent(info.getParent(), _ -> new ArrayList<>()).add(info.getName());
      }
      print(session.out(), children, "", 0);
      return 0;
    }

    /**
     * Prints the children of a snapshot. The recursion is as deep as layers are stacked, which the
     * service bounds.
     */
    private static void print(
        PrintStream out, Map<String, List<String>> children, String parent, int depth) {
      for (String child : children.getOrDefault(parent, List.of()).stream().sorted().toList()) {
        out.println("  ".repeat(depth) + (depth == 0 ? "" : "\\_ ") + child);
        print(out, children, child, depth + 1);
      }
    }
  }

  /** Lists the bytes and files that snapshots take. */
  @Command(description = "Bytes and files of each")
  public static final class Usage extends ListingCommand<Usage.Used> {
    @Mixin Snapshotter snapshotter = new Snapshotter();

    @Parameters(arity = "0..*", paramLabel = "KEY", description = "Only these")
    List<String> keys = new ArrayList<>();

    /** A snapshot and what it takes. */
    record Used(String key, UsageResponse usage) {}

    @Override
    protected List<Used> list(Session session) {
      if (!keys.isEmpty()) {
        refuseFilters("snapshots that are named");
      }
      List<String> wanted =
          keys.isEmpty()
              ? snapshotter.list(session, filters()).stream().map(Info::getName).toList()
              : keys;
      return wanted.stream().map(key -> used(session, key)).toList();
    }

    private Used used(Session session, String key) {
      UsageRequest request =
          UsageRequest.newBuilder().setSnapshotter(snapshotter.name).setKey(key).build();
      return new Used(key, session.call(SnapshotsGrpc.getUsageMethod(), request));
    }

    @Override
    protected String key(Used one) {
      return one.key();
    }

    @Override
    protected Listing listing() {
      return new Listing(List.of("KEY", "SIZE", "INODES"), List.of("Key", "Size", "Inodes"));
    }

    @Override
    protected void add(Listing listing, Used one, Instant now) {
      listing.add(
          one.key(), Words.size(one.usage().getSize()), String.valueOf(one.usage().getInodes()));
    }
  }

  /** Prints the commands that would mount a snapshot. */
  @Command(description = "The commands that would mount one")
  public static final class Mounts extends SessionCommand {
    @Mixin Snapshotter snapshotter = new Snapshotter();

    @Parameters(index = "0", paramLabel = "TARGET", description = "Where")
    String target = "";

    @Parameters(index = "1", paramLabel = "KEY", description = "Of the snapshot")
    String key = "";

    @Override
    public int run(Session session) {
      MountsRequest request =
          MountsRequest.newBuilder().setSnapshotter(snapshotter.name).setKey(key).build();
      for (Mount mount : session.call(SnapshotsGrpc.getMountsMethod(), request).getMountsList()) {
        String options =
            mount.getOptionsCount() == 0 ? "" : " -o " + String.join(",", mount.getOptionsList());
        session
            .out()
            .println(
                "mount -t " + mount.getType() + " " + mount.getSource() + " " + target + options);
      }
      return 0;
    }
  }

  /** Removes snapshots that have no children. */
  @Command(description = "Remove snapshots without children")
  public static final class Rm extends SessionCommand {
    @Mixin Snapshotter snapshotter = new Snapshotter();

    @Parameters(arity = "1..*", paramLabel = "KEY", description = "Of the snapshot")
    List<String> keys = new ArrayList<>();

    @Override
    public int run(Session session) {
      return each(
          session,
          keys,
          key -> {
            RemoveSnapshotRequest request =
                RemoveSnapshotRequest.newBuilder()
                    .setSnapshotter(snapshotter.name)
                    .setKey(key)
                    .build();
            session.call(SnapshotsGrpc.getRemoveMethod(), request);
          });
    }
  }
}
