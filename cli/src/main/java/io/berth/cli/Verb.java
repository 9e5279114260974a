package io.berth.cli;

import io.berth.cli.command.ContainerCommands;
import io.berth.cli.command.CopyCommand;
import io.berth.cli.command.FileCommands;
import io.berth.cli.command.GroupCommands;
import io.berth.cli.command.ImageCommands;
import io.berth.cli.command.InfoCommands;
import io.berth.cli.command.InspectCommand;
import io.berth.cli.command.ListCommands;
import io.berth.cli.command.LoginCommands;
import io.berth.cli.command.NetworkCommands;
import io.berth.cli.command.RunCommands;
import io.berth.cli.command.StatsCommand;
import io.berth.cli.command.StreamCommands;
import io.berth.cli.command.TransferCommands;
import io.berth.cli.command.VolumeCommands;
import io.berth.cli.containerd.ContainersGroup;
import io.berth.cli.containerd.ContentGroup;
import io.berth.cli.containerd.EventsCommand;
import io.berth.cli.containerd.LeasesGroup;
import io.berth.cli.containerd.NamespacesGroup;
import io.berth.cli.containerd.SnapshotsGroup;
import io.berth.cli.containerd.TasksGroup;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A first word. Only the one that was typed is made: reading the annotations of all of them would
 * take longer than most commands.
 */
record Verb(String name, List<String> aliases, Kind kind, String about, Supplier<Object> maker) {
  /** Where it stands in the help. */
  enum Kind {
    CONTAINERS("Containers"),
    IMAGES("Images"),
    REST("Networks, volumes, the instance"),
    CONTAINERD("containerd's objects");

    private final String title;

    Kind(String title) {
      this.title = title;
    }

    String title() {
      return title;
    }
  }

  private static final List<Verb> ALL =
      List.of(
          of("run", Kind.CONTAINERS, "make a container and run it", RunCommands.Run::new),
          of("create", Kind.CONTAINERS, "make a container", RunCommands.Create::new),
          of("start", Kind.CONTAINERS, "start containers", ContainerCommands.Start::new),
          of("stop", Kind.CONTAINERS, "ask containers to end", ContainerCommands.Stop::new),
          of("kill", Kind.CONTAINERS, "send a signal", ContainerCommands.Kill::new),
          of("restart", Kind.CONTAINERS, "stop and start", ContainerCommands.Restart::new),
          of("wait", Kind.CONTAINERS, "wait for exit codes", ContainerCommands.Wait::new),
          alias("rm", "remove", Kind.CONTAINERS, "remove containers", ContainerCommands.Rm::new),
          of("ps", Kind.CONTAINERS, "list containers", ListCommands.Ps::new),
          of("exec", Kind.CONTAINERS, "run a command in one", StreamCommands.Exec::new),
          alias("logs", "log", Kind.CONTAINERS, "what one wrote", StreamCommands.Logs::new),
          of("attach", Kind.CONTAINERS, "bring its streams here", StreamCommands.Attach::new),
          of("inspect", Kind.CONTAINERS, "everything, as JSON", InspectCommand::new),
          of("port", Kind.CONTAINERS, "published ports", ListCommands.Port::new),
          of("top", Kind.CONTAINERS, "processes", ListCommands.Top::new),
          of("stats", Kind.CONTAINERS, "what they use", StatsCommand::new),
          of("pause", Kind.CONTAINERS, "freeze", ContainerCommands.Pause::new),
          of("unpause", Kind.CONTAINERS, "let go on", ContainerCommands.Unpause::new),
          of("rename", Kind.CONTAINERS, "give another name", ContainerCommands.Rename::new),
          of("update", Kind.CONTAINERS, "change limits", ContainerCommands.Update::new),
          of("diff", Kind.CONTAINERS, "changed files", FileCommands.Diff::new),
          of("cp", Kind.CONTAINERS, "copy files out or in", CopyCommand::new),
          of("export", Kind.CONTAINERS, "file system as a tar", FileCommands.Export::new),
          of("commit", Kind.CONTAINERS, "changes become an image", FileCommands.Commit::new),
          of("images", Kind.IMAGES, "list images", ImageCommands.Images::new),
          of("pull", Kind.IMAGES, "fetch from a registry", TransferCommands.Pull::new),
          of("push", Kind.IMAGES, "send to a registry", TransferCommands.Push::new),
          of("login", Kind.IMAGES, "credentials for a registry", LoginCommands.Login::new),
          of("logout", Kind.IMAGES, "forget them", LoginCommands.Logout::new),
          of("load", Kind.IMAGES, "read from an archive", TransferCommands.Load::new),
          of("save", Kind.IMAGES, "write to an archive", TransferCommands.Save::new),
          of("import", Kind.IMAGES, "make one from a tar", TransferCommands.Import::new),
          of("tag", Kind.IMAGES, "give another name", ImageCommands.Tag::new),
          of("rmi", Kind.IMAGES, "remove images", ImageCommands.Rmi::new),
          of("history", Kind.IMAGES, "how one came to be", ImageCommands.History::new),
          of("image", Kind.IMAGES, "ls, pull, rm, prune, verify", GroupCommands.ImageGroup::new),
          of("network", Kind.REST, "create, ls, rm, inspect", NetworkCommands::new),
          of("volume", Kind.REST, "create, ls, rm, prune", VolumeCommands::new),
          of("system", Kind.REST, "info, prune", GroupCommands.SystemGroup::new),
          of("info", Kind.REST, "the instance", InfoCommands.Info::new),
          of("version", Kind.REST, "versions", InfoCommands.Version::new),
          of("container", Kind.REST, "longer forms", GroupCommands.ContainerGroup::new),
          alias("containers", "c", Kind.CONTAINERD, "ls, info, label, rm", ContainersGroup::new),
          alias("tasks", "t", Kind.CONTAINERD, "ls, start, kill, ps, rm, ...", TasksGroup::new),
          of("content", Kind.CONTAINERD, "ls, get, ingest, rm, label", ContentGroup::new),
          alias("snapshots", "snapshot", Kind.CONTAINERD, "ls, usage, tree", SnapshotsGroup::new),
          alias("leases", "lease", Kind.CONTAINERD, "ls, create, rm", LeasesGroup::new),
          alias("namespaces", "ns", Kind.CONTAINERD, "ls, create, rm", NamespacesGroup::new),
          of("events", Kind.CONTAINERD, "what happens, as it happens", EventsCommand::new));

  private static Verb of(String name, Kind kind, String about, Supplier<Object> maker) {
    return new Verb(name, List.of(), kind, about, maker);
  }

  private static Verb alias(
      String name, String alias, Kind kind, String about, Supplier<Object> maker) {
    return new Verb(name, List.of(alias), kind, about, maker);
  }

  static List<Verb> all() {
    return ALL;
  }

  static List<String> names() {
    List<String> names = new ArrayList<>();
    ALL.forEach(verb -> names.add(verb.name()));
    return names;
  }

  static @Nullable Verb find(String name) {
    for (Verb verb : ALL) {
      if (verb.name().equals(name) || verb.aliases().contains(name)) {
        return verb;
      }
    }
    return null;
  }

  Object make() {
    return maker.get();
  }
}
