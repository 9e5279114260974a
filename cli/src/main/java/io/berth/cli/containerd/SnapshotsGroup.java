package io.berth.cli.containerd;

import io.berth.api.containerd.services.snapshots.v1.Info;
import io.berth.api.containerd.services.snapshots.v1.ListSnapshotsRequest;
import io.berth.api.containerd.services.snapshots.v1.MountsRequest;
import io.berth.api.containerd.services.snapshots.v1.RemoveSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.api.containerd.services.snapshots.v1.UsageRequest;
import io.berth.api.containerd.services.snapshots.v1.UsageResponse;
import io.berth.api.containerd.types.Mount;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.render.Listing;
import io.berth.cli.render.Words;
import io.berth.cli.session.Session;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Layers and root file systems. */
public final class SnapshotsGroup {
  private SnapshotsGroup() {}

  /** What all of them take. */
  abstract static class WithSnapshotter extends SessionCommand {
    @Option(names = "--snapshotter", paramLabel = "NAME", description = "Default: overlayfs")
    String snapshotter = "overlayfs";

    List<Info> list(Session session) {
      return session.stream(
          SnapshotsGrpc.getListMethod(),
          ListSnapshotsRequest.newBuilder().setSnapshotter(snapshotter).build(),
          parts -> {
            List<Info> found = new ArrayList<>();
            parts.forEachRemaining(part -> found.addAll(part.getInfoList()));
            return found;
          });
    }
  }

  /** {@code snapshots ls}. */
  @Command(description = "List them")
  public static final class Ls extends WithSnapshotter {
    private static final List<String> FIELDS = List.of("Key", "Parent", "Kind");

    @Option(
        names = {"-q", "--quiet"},
        description = "Keys only")
    boolean quiet;

    @Option(names = "--format", paramLabel = "json|TEMPLATE", description = "For programs")
    String format = "";

    @Override
    public int run(Session session) {
      if (quiet) {
        list(session).forEach(info -> session.out().println(info.getName()));
        return 0;
      }
      Listing listing = new Listing("KEY", "PARENT", "KIND");
      for (Info info : list(session)) {
        listing.add(FIELDS, info.getName(), info.getParent(), info.getKind().name());
      }
      listing.print(session.out(), format);
      return 0;
    }
  }

  /** {@code snapshots tree}. */
  @Command(description = "Each below its parent")
  public static final class Tree extends WithSnapshotter {
    @Override
    public int run(Session session) {
      Map<String, List<String>> children = new TreeMap<>();
      for (Info info : list(session)) {
        children.computeIfAbsent(info.getParent(), _ -> new ArrayList<>()).add(info.getName());
      }
      print(session.out(), children, "", 0);
      return 0;
    }

    /** As deep as layers are stacked, which the service bounds. */
    private static void print(
        PrintStream out, Map<String, List<String>> children, String parent, int depth) {
      for (String child : children.getOrDefault(parent, List.of()).stream().sorted().toList()) {
        out.println("  ".repeat(depth) + (depth == 0 ? "" : "\\_ ") + child);
        print(out, children, child, depth + 1);
      }
    }
  }

  /** {@code snapshots usage}. */
  @Command(description = "Bytes and files of each")
  public static final class Usage extends WithSnapshotter {
    private static final List<String> FIELDS = List.of("Key", "Size", "Inodes");

    @Option(names = "--format", paramLabel = "json|TEMPLATE", description = "For programs")
    String format = "";

    @Parameters(arity = "0..*", paramLabel = "KEY", description = "Only these")
    List<String> keys = new ArrayList<>();

    @Override
    public int run(Session session) {
      List<String> wanted =
          keys.isEmpty() ? list(session).stream().map(Info::getName).toList() : keys;
      Listing listing = new Listing("KEY", "SIZE", "INODES");
      for (String key : wanted) {
        UsageRequest request =
            UsageRequest.newBuilder().setSnapshotter(snapshotter).setKey(key).build();
        UsageResponse usage = session.call(SnapshotsGrpc.getUsageMethod(), request);
        listing.add(FIELDS, key, Words.size(usage.getSize()), String.valueOf(usage.getInodes()));
      }
      listing.print(session.out(), format);
      return 0;
    }
  }

  /** {@code snapshots mounts}. */
  @Command(description = "The commands that would mount one")
  public static final class Mounts extends WithSnapshotter {
    @Parameters(index = "0", paramLabel = "TARGET", description = "Where")
    String target = "";

    @Parameters(index = "1", paramLabel = "KEY", description = "Of the snapshot")
    String key = "";

    @Override
    public int run(Session session) {
      MountsRequest request =
          MountsRequest.newBuilder().setSnapshotter(snapshotter).setKey(key).build();
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

  /** {@code snapshots rm}. */
  @Command(description = "Remove snapshots without children")
  public static final class Rm extends WithSnapshotter {
    @Parameters(arity = "1..*", paramLabel = "KEY", description = "Of the snapshot")
    List<String> keys = new ArrayList<>();

    @Override
    public int run(Session session) {
      return each(
          session,
          keys,
          key -> {
            RemoveSnapshotRequest request =
                RemoveSnapshotRequest.newBuilder().setSnapshotter(snapshotter).setKey(key).build();
            session.call(SnapshotsGrpc.getRemoveMethod(), request);
          });
    }
  }
}
