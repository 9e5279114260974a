package io.berth.cli;

import io.berth.cli.command.ContainerCommands;
import io.berth.cli.command.CopyCommand;
import io.berth.cli.command.DiskUsageCommand;
import io.berth.cli.command.EventsCommand;
import io.berth.cli.command.FileCommands;
import io.berth.cli.command.ImageCommands;
import io.berth.cli.command.InfoCommands;
import io.berth.cli.command.InspectCommand;
import io.berth.cli.command.ListCommands;
import io.berth.cli.command.LoginCommands;
import io.berth.cli.command.NetworkCommands;
import io.berth.cli.command.PruneCommands;
import io.berth.cli.command.RunCommands;
import io.berth.cli.command.StatsCommand;
import io.berth.cli.command.StreamCommands;
import io.berth.cli.command.TransferCommands;
import io.berth.cli.command.VolumeCommands;
import io.berth.cli.containerd.ContainersGroup;
import io.berth.cli.containerd.ContentGroup;
import io.berth.cli.containerd.ContentIngest;
import io.berth.cli.containerd.EnvelopesCommand;
import io.berth.cli.containerd.LeasesGroup;
import io.berth.cli.containerd.NamespacesGroup;
import io.berth.cli.containerd.SnapshotsGroup;
import io.berth.cli.containerd.TaskAttach;
import io.berth.cli.containerd.TaskExec;
import io.berth.cli.containerd.TaskStart;
import io.berth.cli.containerd.TasksGroup;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The table of verbs. Every name and alias that can be typed for a command stands here and nowhere
 * else; parsing, help and hints are made from it.
 *
 * <p>The table is cut into methods, so that a line makes the rows up to its own verb only, and only
 * the command that it calls: reading the annotations of all commands would take longer than most
 * commands.
 */
final class Verbs {
  private Verbs() {}

  /** A part of the help. */
  enum Section {
    CONTAINERS("Containers"),
    IMAGES("Images"),
    INSTANCE("Networks, volumes, the instance"),
    CONTAINERD("containerd's objects");

    private final String title;

    Section(String title) {
      this.title = title;
    }

    String title() {
      return title;
    }

    /** The verbs in it, in the help's order. */
    List<Verb> verbs() {
      return switch (this) {
        case CONTAINERS -> containers();
        case IMAGES -> images();
        case INSTANCE -> instance();
        case CONTAINERD -> containerd();
      };
    }
  }

  /**
   * The verb that a line calls.
   *
   * @param words how many words of the line name it
   */
  record Called(Verb verb, int words) {}

  /** The verb that a line begins with; null if its first word is none. The line is not empty. */
  static @Nullable Called find(List<String> line) {
    for (Section section : Section.values()) {
      Verb first = Verb.named(line.getFirst(), section.verbs());
      if (first != null) {
        Verb second = line.size() == 1 ? null : Verb.named(line.get(1), first.inside().get());
        return second == null ? new Called(first, 1) : new Called(second, 2);
      }
    }
    return null;
  }

  /** The usual names of all verbs that a line can begin with. */
  static List<String> names() {
    List<String> names = new ArrayList<>();
    for (Section section : Section.values()) {
      section.verbs().forEach(verb -> names.add(verb.name()));
    }
    return names;
  }

  private static List<Verb> containers() {
    return List.of(
        Verb.of("make a container and run it", RunCommands.Run::new, "run"),
        Verb.of("make a container", RunCommands.Create::new, "create"),
        Verb.of("start containers", ContainerCommands.Start::new, "start"),
        Verb.of("ask containers to end", ContainerCommands.Stop::new, "stop"),
        Verb.of("send a signal", ContainerCommands.Kill::new, "kill"),
        Verb.of("stop and start", ContainerCommands.Restart::new, "restart"),
        Verb.of("wait for exit codes", ContainerCommands.Wait::new, "wait"),
        Verb.of("remove containers", ContainerCommands.Rm::new, "rm", "remove"),
        Verb.of("list containers", ListCommands.Ps::new, "ps"),
        Verb.of("run a command in one", StreamCommands.Exec::new, "exec"),
        Verb.of("what one wrote", StreamCommands.Logs::new, "logs", "log"),
        Verb.of("bring its streams here", StreamCommands.Attach::new, "attach"),
        Verb.of("everything, as JSON", InspectCommand::new, "inspect"),
        Verb.of("published ports", ListCommands.Port::new, "port"),
        Verb.of("processes", ListCommands.Top::new, "top"),
        Verb.of("what they use", StatsCommand::new, "stats"),
        Verb.of("freeze", ContainerCommands.Pause::new, "pause"),
        Verb.of("let go on", ContainerCommands.Unpause::new, "unpause"),
        Verb.of("give another name", ContainerCommands.Rename::new, "rename"),
        Verb.of("change limits", ContainerCommands.Update::new, "update"),
        Verb.of("changed files", FileCommands.Diff::new, "diff"),
        Verb.of("copy files out or in", CopyCommand::new, "cp"),
        Verb.of("file system as a tar", FileCommands.Export::new, "export"),
        Verb.of("changes become an image", FileCommands.Commit::new, "commit"));
  }

  private static List<Verb> images() {
    return List.of(
        // Another word after `images` is the name of a repository.
        new Verb(List.of("images"), "list images", ImageCommands.Images::new, Verbs::inImages),
        Verb.of("fetch from a registry", TransferCommands.Pull::new, "pull"),
        Verb.of("send to a registry", TransferCommands.Push::new, "push"),
        Verb.of("credentials for a registry", LoginCommands.Login::new, "login"),
        Verb.of("forget them", LoginCommands.Logout::new, "logout"),
        Verb.of("read from an archive", TransferCommands.Load::new, "load"),
        Verb.of("write to an archive", TransferCommands.Save::new, "save"),
        Verb.of("make one from a tar", TransferCommands.Import::new, "import"),
        Verb.of("give another name", ImageCommands.Tag::new, "tag"),
        Verb.of("remove images", ImageCommands.Rmi::new, "rmi"),
        Verb.of("how one came to be", ImageCommands.History::new, "history"),
        Verb.group("images", Verbs::inImage, "image"));
  }

  private static List<Verb> instance() {
    return List.of(
        Verb.group("networks", Verbs::inNetwork, "network"),
        Verb.group("volumes", Verbs::inVolume, "volume"),
        Verb.group("the instance", Verbs::inSystem, "system"),
        Verb.of("the instance", InfoCommands.Info::new, "info"),
        Verb.of("what happens, as it happens", EventsCommand::new, "events"),
        Verb.of("versions", InfoCommands.Version::new, "version"),
        Verb.of("end all containers", ContainerCommands.Shutdown::new, "shutdown"),
        Verb.group("containers, docker's longer forms", Verbs::inContainer, "container"));
  }

  private static List<Verb> containerd() {
    return List.of(
        Verb.group("records of containers", Verbs::inContainers, "containers", "c"),
        Verb.group("running processes of containers", Verbs::inTasks, "tasks", "t"),
        Verb.group("blobs", Verbs::inContent, "content"),
        Verb.group("layers and root file systems", Verbs::inSnapshots, "snapshots", "snapshot"),
        Verb.group("what keeps content and snapshots", Verbs::inLeases, "leases", "lease"),
        Verb.group("containerd's namespaces", Verbs::inNamespaces, "namespaces", "ns"),
        Verb.of("containerd's events", EnvelopesCommand::new, "envelopes"));
  }

  private static List<Verb> inContainer() {
    return List.of(
        Verb.of(ListCommands.Ps::new, "ls", "ps"),
        Verb.of(RunCommands.Run::new, "run"),
        Verb.of(RunCommands.Create::new, "create"),
        Verb.of(ContainerCommands.Start::new, "start"),
        Verb.of(ContainerCommands.Stop::new, "stop"),
        Verb.of(ContainerCommands.Kill::new, "kill"),
        Verb.of(ContainerCommands.Restart::new, "restart"),
        Verb.of(ContainerCommands.Wait::new, "wait"),
        Verb.of(ContainerCommands.Rm::new, "rm", "remove"),
        Verb.of(ContainerCommands.Rename::new, "rename"),
        Verb.of(ContainerCommands.Pause::new, "pause"),
        Verb.of(ContainerCommands.Unpause::new, "unpause"),
        Verb.of(ContainerCommands.Update::new, "update"),
        Verb.of(StreamCommands.Exec::new, "exec"),
        Verb.of(StreamCommands.Attach::new, "attach"),
        Verb.of(StreamCommands.Logs::new, "logs", "log"),
        Verb.of(ListCommands.Port::new, "port"),
        Verb.of(ListCommands.Top::new, "top"),
        Verb.of(StatsCommand::new, "stats"),
        Verb.of(PruneCommands.Containers::new, "prune"),
        Verb.of(FileCommands.Diff::new, "diff"),
        Verb.of(CopyCommand::new, "cp"),
        Verb.of(FileCommands.Export::new, "export"),
        Verb.of(FileCommands.Commit::new, "commit"),
        Verb.of(InspectCommand::new, "inspect"));
  }

  /** What may follow {@code images} as well as {@code image}. */
  private static List<Verb> inImages() {
    return List.of(
        Verb.of(ImageCommands.Images::new, "ls", "list"),
        Verb.of(TransferCommands.Pull::new, "pull"),
        Verb.of(TransferCommands.Push::new, "push"),
        Verb.of(TransferCommands.Import::new, "import"),
        Verb.of(TransferCommands.Save::new, "save"),
        Verb.of(ImageCommands.Rmi::new, "rm", "remove"),
        Verb.of(ImageCommands.Tag::new, "tag"),
        Verb.of(InspectCommand::new, "inspect"));
  }

  private static List<Verb> inImage() {
    List<Verb> all = new ArrayList<>(inImages());
    all.add(Verb.of(ImageCommands.Images::new, "images"));
    all.add(Verb.of(TransferCommands.Load::new, "load"));
    all.add(Verb.of(ImageCommands.Rmi::new, "rmi"));
    all.add(Verb.of(ImageCommands.History::new, "history"));
    all.add(Verb.of(PruneCommands.Images::new, "prune"));
    all.add(Verb.of(ImageCommands.Verify::new, "verify"));
    return all;
  }

  private static List<Verb> inNetwork() {
    return List.of(
        Verb.of(NetworkCommands.Create::new, "create"),
        Verb.of(NetworkCommands.Ls::new, "ls", "list"),
        Verb.of(NetworkCommands.Rm::new, "rm", "remove"),
        Verb.of(PruneCommands.Networks::new, "prune"),
        Verb.of(NetworkCommands.Inspect::new, "inspect"),
        Verb.of(NetworkCommands.Explain::new, "explain"));
  }

  private static List<Verb> inVolume() {
    return List.of(
        Verb.of(VolumeCommands.Create::new, "create"),
        Verb.of(VolumeCommands.Ls::new, "ls", "list"),
        Verb.of(VolumeCommands.Inspect::new, "inspect"),
        Verb.of(VolumeCommands.Rm::new, "rm", "remove"),
        Verb.of(PruneCommands.Volumes::new, "prune"));
  }

  private static List<Verb> inSystem() {
    return List.of(
        Verb.of(InfoCommands.Info::new, "info"),
        Verb.of(EventsCommand::new, "events"),
        Verb.of(DiskUsageCommand::new, "df"),
        Verb.of(PruneCommands.Everything::new, "prune"));
  }

  private static List<Verb> inContainers() {
    return List.of(
        Verb.of(ContainersGroup.Ls::new, "ls", "list"),
        Verb.of(ContainersGroup.Info::new, "info"),
        Verb.of(ContainersGroup.Label::new, "label"),
        Verb.of(ContainersGroup.Rm::new, "rm", "delete", "del"));
  }

  private static List<Verb> inTasks() {
    return List.of(
        Verb.of(TasksGroup.Ls::new, "ls", "list"),
        Verb.of(TaskStart::new, "start"),
        Verb.of(TaskAttach::new, "attach"),
        Verb.of(TaskExec::new, "exec"),
        Verb.of(TasksGroup.Kill::new, "kill"),
        Verb.of(TasksGroup.Ps::new, "ps"),
        Verb.of(TasksGroup.Pause::new, "pause"),
        Verb.of(TasksGroup.Resume::new, "resume"),
        Verb.of(TasksGroup.Metrics::new, "metrics"),
        Verb.of(TasksGroup.Wait::new, "wait"),
        Verb.of(TasksGroup.Rm::new, "rm", "delete", "del"));
  }

  private static List<Verb> inContent() {
    return List.of(
        Verb.of(ContentGroup.Ls::new, "ls", "list"),
        Verb.of(ContentGroup.Get::new, "get"),
        Verb.of(ContentIngest::new, "ingest"),
        Verb.of(ContentGroup.Active::new, "active"),
        Verb.of(ContentGroup.Label::new, "label"),
        Verb.of(ContentGroup.Rm::new, "rm", "delete", "del"));
  }

  private static List<Verb> inSnapshots() {
    return List.of(
        Verb.of(SnapshotsGroup.Ls::new, "ls", "list"),
        Verb.of(SnapshotsGroup.Tree::new, "tree"),
        Verb.of(SnapshotsGroup.Usage::new, "usage"),
        Verb.of(SnapshotsGroup.Mounts::new, "mounts"),
        Verb.of(SnapshotsGroup.Rm::new, "rm", "delete", "del"));
  }

  private static List<Verb> inLeases() {
    return List.of(
        Verb.of(LeasesGroup.Ls::new, "ls", "list"),
        Verb.of(LeasesGroup.Create::new, "create"),
        Verb.of(LeasesGroup.Resources::new, "resources"),
        Verb.of(LeasesGroup.Rm::new, "rm", "delete", "del"));
  }

  private static List<Verb> inNamespaces() {
    return List.of(
        Verb.of(NamespacesGroup.Ls::new, "ls", "list"),
        Verb.of(NamespacesGroup.Create::new, "create"),
        Verb.of(NamespacesGroup.Label::new, "label"),
        Verb.of(NamespacesGroup.Rm::new, "rm", "remove", "delete"));
  }
}
