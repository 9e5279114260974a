package io.berth.cli.command;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.ExecInspectRequest;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.api.berth.image.v1.Image;
import io.berth.base.error.BerthException;
import io.berth.cli.render.ContainerDocument;
import io.berth.cli.render.ImageDocument;
import io.berth.cli.render.Inspection;
import io.berth.cli.session.Session;
import io.berth.cli.template.DocumentTypes;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Shows everything about containers or images. A name that both have means the container; of a name
 * that neither has, standard output shows only an empty list.
 */
@Command(description = "Everything about containers or images, as JSON")
public final class InspectCommand extends SessionCommand {
  @Option(
      names = {"-f", "--format"},
      paramLabel = "json|TEMPLATE",
      description = "A line each: the document, or {{.State.Status}} and the like")
  String format = "";

  @Option(
      names = {"-s", "--size"},
      description = "With sizes")
  boolean size;

  @Option(names = "--type", paramLabel = "TYPE", description = "container, image or exec only")
  String type = "";

  @Parameters(arity = "1..*", paramLabel = "NAME", description = "Container or image")
  List<String> names = new ArrayList<>();

  @Override
  public int run(Session session) {
    if (!List.of("", "container", "image", "exec").contains(type)) {
      throw new BerthException.InvalidArgument(
          "--type `" + type + "`: write container, image or exec");
    }
    Inspection inspection = new Inspection(format);
    int code = each(session, names, name -> add(session, inspection, name));
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

  private void add(Session session, Inspection inspection, String name) {
    if (type.equals("exec")) {
      inspection.add(DocumentTypes.UNTYPED, exec(session, name));
      return;
    }
    if (!type.equals("image")) {
      try {
        Container container =
            session.call(
                ContainersGrpc.getGetMethod(),
                GetRequest.newBuilder().setRef(name).setSize(size).setMounts(true).build());
        inspection.add("types.ContainerJSON", ContainerDocument.of(container));
        return;
      } catch (BerthException.NotFound e) {
        if (type.equals("container")) {
          throw e;
        }
      }
    }
    try {
      Image image = ImageCommands.resolve(session, name);
      inspection.add("types.ImageInspect", ImageDocument.of(image));
    } catch (BerthException.NotFound | BerthException.InvalidArgument e) {
      if (type.equals("image")) {
        throw e;
      }
      throw new BerthException.NotFound("No such container or image: " + name, e);
    }
  }
}
