package io.berth.cli.command;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Docker's longer forms: {@code image ls} for {@code images} and so on. */
public final class GroupCommands {
  private GroupCommands() {}

  /** {@code system}. */
  @Command(
      name = "system",
      description = "The instance: info, prune",
      subcommands = {InfoCommands.Info.class, PruneCommands.Everything.class})
  public static final class SystemGroup extends Group {}

  /** A name that only holds others together. */
  abstract static class Group {
    @Option(names = "--help", usageHelp = true, description = "Show this text")
    boolean help;
  }

  /** {@code image}. */
  @Command(
      name = "image",
      description = "Images, docker's longer forms: ls, pull, rm, ...",
      subcommands = {
        ImageCommands.Images.class,
        TransferCommands.Pull.class,
        TransferCommands.Push.class,
        TransferCommands.Load.class,
        TransferCommands.Import.class,
        TransferCommands.Save.class,
        ImageCommands.Tag.class,
        ImageCommands.Rmi.class,
        ImageCommands.History.class,
        PruneCommands.Images.class,
        ImageCommands.Verify.class,
        InspectCommand.class
      })
  public static final class ImageGroup extends Group {}

  /** {@code container}. */
  @Command(
      name = "container",
      description = "Containers, docker's longer forms: ls, run, rm, ...",
      subcommands = {
        ListCommands.Ps.class,
        RunCommands.Run.class,
        RunCommands.Create.class,
        ContainerCommands.Start.class,
        ContainerCommands.Stop.class,
        ContainerCommands.Kill.class,
        ContainerCommands.Restart.class,
        ContainerCommands.Wait.class,
        ContainerCommands.Rm.class,
        ContainerCommands.Rename.class,
        ContainerCommands.Pause.class,
        ContainerCommands.Unpause.class,
        ContainerCommands.Update.class,
        StreamCommands.Exec.class,
        StreamCommands.Attach.class,
        StreamCommands.Logs.class,
        ListCommands.Port.class,
        ListCommands.Top.class,
        StatsCommand.class,
        PruneCommands.Containers.class,
        FileCommands.Diff.class,
        FileCommands.Export.class,
        FileCommands.Commit.class,
        InspectCommand.class
      })
  public static final class ContainerGroup extends Group {}
}
