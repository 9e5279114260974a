package io.berth.cli.command;

import io.berth.api.berth.container.v1.PruneRequest;
import io.berth.cli.render.Words;
import io.berth.cli.session.Session;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Docker's longer forms: {@code image ls} for {@code images} and so on. */
public final class GroupCommands {
  private GroupCommands() {}

  /** {@code system}. */
  @Command(
      name = "system",
      description = "The instance: info, prune",
      subcommands = {InfoCommands.Info.class, Prune.class})
  public static final class SystemGroup extends Group {}

  /** A name that only holds others together. */
  abstract static class Group {
    @Option(names = "--help", usageHelp = true, description = "Show this text")
    boolean help;
  }

  /** {@code system prune}. */
  @Command(name = "prune", description = "Remove stopped containers and what only they used")
  public static final class Prune extends SessionCommand {
    @Option(
        names = {"-a", "--all"},
        description = "All images that no container uses")
    boolean all;

    @Option(names = "--volumes", description = "Anonymous volumes as well")
    boolean volumes;

    @Option(
        names = {"-f", "--force"},
        description = "Accepted: it never asks")
    boolean force;

    @Override
    public int run(Session session) {
      long bytes =
          session
              .call(
                  Session.CONTAINERD,
                  "Containers.Prune",
                  () -> session.containers().prune(PruneRequest.getDefaultInstance()))
              .getBytes();
      if (volumes) {
        bytes +=
            session
                .call(
                    Session.IMAGE,
                    "Volumes.Prune",
                    () ->
                        session
                            .volumes()
                            .prune(io.berth.api.berth.volume.v1.PruneRequest.getDefaultInstance()))
                .getBytes();
      }
      bytes +=
          session
              .call(
                  Session.IMAGE,
                  "Images.Prune",
                  () ->
                      session
                          .images()
                          .prune(
                              io.berth.api.berth.image.v1.PruneRequest.newBuilder()
                                  .setAll(all)
                                  .build()))
              .getBytes();
      session.streams().out().println("Total reclaimed space: " + Words.size(bytes));
      return 0;
    }
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
        ImageCommands.Prune.class,
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
        ListCommands.Prune.class,
        FileCommands.Diff.class,
        FileCommands.Export.class,
        FileCommands.Commit.class,
        InspectCommand.class
      })
  public static final class ContainerGroup extends Group {}
}
