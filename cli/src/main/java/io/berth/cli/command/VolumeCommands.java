package io.berth.cli.command;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.berth.volume.v1.CreateRequest;
import io.berth.api.berth.volume.v1.GetRequest;
import io.berth.api.berth.volume.v1.ListRequest;
import io.berth.api.berth.volume.v1.RemoveRequest;
import io.berth.api.berth.volume.v1.Volume;
import io.berth.api.berth.volume.v1.VolumesGrpc;
import io.berth.base.text.Variables;
import io.berth.cli.render.Inspection;
import io.berth.cli.render.Listing;
import io.berth.cli.render.VolumeDocument;
import io.berth.cli.render.Words;
import io.berth.cli.session.Session;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The verbs on volumes. */
public final class VolumeCommands {
  private VolumeCommands() {}

  /** Makes a volume. */
  @Command(description = "Make a volume")
  public static final class Create extends SessionCommand {
    @Option(
        names = {"-l", "--label"},
        paramLabel = "KEY=VALUE",
        description = "Label")
    List<String> labels = new ArrayList<>();

    @Option(
        names = {"-d", "--driver"},
        paramLabel = "NAME",
        description = "local (the only one)")
    String driver = "";

    @Option(
        names = {"-o", "--opt"},
        paramLabel = "KEY=VALUE",
        description = "type, device and o: what containers mount in place of a folder")
    List<String> options = new ArrayList<>();

    @Parameters(arity = "0..1", paramLabel = "NAME", description = "Default: a generated one")
    String name = "";

    @Override
    public int run(Session session) {
      Volume volume =
          session.call(
              VolumesGrpc.getCreateMethod(),
              CreateRequest.newBuilder()
                  .setName(name)
                  .putAllLabels(Variables.pairs("-l", labels))
                  .setDriver(driver)
                  .putAllOptions(Variables.pairs("-o", options))
                  .build());
      session.out().println(volume.getName());
      return 0;
    }
  }

  /** Lists volumes. */
  @Command(description = "List volumes")
  public static final class Ls extends ListingCommand<Volume> {
    @Override
    protected List<Volume> list(Session session) {
      ListRequest request = ListRequest.newBuilder().addAllFilters(filters()).build();
      return session.call(VolumesGrpc.getListMethod(), request).getVolumesList();
    }

    @Override
    protected String key(Volume volume) {
      return volume.getName();
    }

    @Override
    protected Listing listing() {
      return new Listing(
          "formatter.volumeContext",
          "{{.Driver}}\t{{.Name}}",
          Listing.titles(
              "Driver", "DRIVER",
              "Name", "VOLUME NAME",
              "Mountpoint", "MOUNTPOINT",
              "Scope", "SCOPE",
              "Labels", "LABELS",
              "Links", "LINKS",
              "Size", "SIZE"));
    }

    @Override
    protected void add(Listing listing, Volume volume, Instant now) {
      listing
          .row()
          .cell("Driver", () -> "local")
          .cell("Name", volume::getName)
          .cell("Mountpoint", volume::getPath)
          .cell("Scope", () -> "local")
          .cell("Labels", () -> Words.labels(volume.getLabelsMap()))
          .cell("Links", () -> String.valueOf(volume.getUsersCount()))
          .cell("Size", () -> "N/A")
          .labels(volume.getLabelsMap());
    }
  }

  /** Shows everything about volumes. */
  @Command(description = "Everything about volumes, as JSON")
  public static final class Inspect extends SessionCommand {
    @Option(
        names = {"-f", "--format"},
        paramLabel = "json|TEMPLATE",
        description = "A line each")
    String format = "";

    @Parameters(arity = "1..*", paramLabel = "VOLUME", description = "Name")
    List<String> volumes = new ArrayList<>();

    @Override
    public int run(Session session) {
      Inspection inspection = new Inspection(format);
      int code =
          each(session, volumes, name -> inspection.add("types.Volume", document(session, name)));
      inspection.print(session.out());
      return code;
    }

    static ObjectNode document(Session session, String name) {
      return VolumeDocument.of(
          session.call(VolumesGrpc.getGetMethod(), GetRequest.newBuilder().setName(name).build()));
    }
  }

  /** Removes volumes. */
  @Command(description = "Remove volumes")
  public static final class Rm extends SessionCommand {
    @Option(
        names = {"-f", "--force"},
        description = "No complaint about an unknown one")
    boolean force;

    @Parameters(arity = "1..*", paramLabel = "VOLUME", description = "Name")
    List<String> volumes = new ArrayList<>();

    @Override
    public int run(Session session) {
      return each(
          session,
          volumes,
          name -> {
            RemoveRequest request =
                RemoveRequest.newBuilder().setName(name).setForce(force).build();
            session.call(VolumesGrpc.getRemoveMethod(), request);
            session.out().println(name);
          });
    }
  }
}
