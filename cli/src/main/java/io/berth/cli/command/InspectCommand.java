package io.berth.cli.command;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.ExecInspectRequest;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.base.error.BerthException;
import io.berth.cli.render.ContainerDocument;
import io.berth.cli.render.ImageDocument;
import io.berth.cli.render.Inspection;
import io.berth.cli.session.Session;
import io.berth.cli.template.DocumentTypes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Shows everything about containers, images, networks or volumes. A name that several have means
 * the first of these; of a name that none has, standard output shows only an empty list.
 */
@Command(description = "Everything about containers, images, networks or volumes, as JSON")
public final class InspectCommand extends SessionCommand {
  /** What can be looked up; a name without a type is looked up as one after the other of them. */
  private enum Kind {
    CONTAINER("types.ContainerJSON"),
    IMAGE("types.ImageInspect"),
    NETWORK("types.NetworkResource"),
    VOLUME("types.Volume"),
    EXEC(DocumentTypes.UNTYPED);

    private static final List<Kind> NAMED = List.of(CONTAINER, IMAGE, NETWORK, VOLUME);

    /** The type of docker's that templates see. */
    private final String document;

    Kind(String document) {
      this.document = document;
    }

    static List<Kind> of(String type) {
      if (type.isEmpty()) {
        return NAMED;
      }
      for (Kind kind : values()) {
        if (kind.name().equals(type.toUpperCase(Locale.ROOT))) {
          return List.of(kind);
        }
      }
      throw new BerthException.InvalidArgument(
          "--type `" + type + "`: write container, image, network, volume or exec");
    }
  }

  @Option(
      names = {"-f", "--format"},
      paramLabel = "json|TEMPLATE",
      description = "A line each: the document, or {{.State.Status}} and the like")
  String format = "";

  @Option(
      names = {"-s", "--size"},
      description = "With sizes")
  boolean size;

  @Option(
      names = "--type",
      paramLabel = "TYPE",
      description = "container, image, network, volume or exec only")
  String type = "";

  @Parameters(arity = "1..*", paramLabel = "NAME", description = "Name or id")
  List<String> names = new ArrayList<>();

  @Override
  public int run(Session session) {
    List<Kind> kinds = Kind.of(type);
    Inspection inspection = new Inspection(format);
    int code = each(session, names, name -> add(session, inspection, kinds, name));
    inspection.print(session.out());
    return code;
  }

  /** The document about a program that {@code exec} has run. */
  static ObjectNode exec(Session session, String id) {
    return ContainerDocument.of(
        session.call(
            ContainersGrpc.getExecInspectMethod(),
            ExecInspectRequest.newBuilder().setExecId(id).build()));
  }

  private void add(Session session, Inspection inspection, List<Kind> kinds, String name) {
    if (kinds.size() == 1) {
      Kind kind = kinds.getFirst();
      inspection.add(kind.document, find(session, kind, name));
      return;
    }
    for (Kind kind : kinds) {
      try {
        inspection.add(kind.document, find(session, kind, name));
        return;
      } catch (BerthException.NotFound | BerthException.InvalidArgument _) {
        // What is no name of one kind may be one of the next.
      }
    }
    throw new BerthException.NotFound("No such object: " + name);
  }

  private ObjectNode find(Session session, Kind kind, String name) {
    return switch (kind) {
      case CONTAINER ->
          ContainerDocument.of(
              session.call(
                  ContainersGrpc.getGetMethod(),
                  GetRequest.newBuilder().setRef(name).setSize(size).setMounts(true).build()));
      case IMAGE -> ImageDocument.of(ImageCommands.resolve(session, name));
      case NETWORK -> NetworkCommands.Inspect.document(session, name);
      case VOLUME -> VolumeCommands.Inspect.document(session, name);
      case EXEC -> exec(session, name);
    };
  }
}
