package io.berth.cli.command;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.ExecInspectRequest;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import io.berth.cli.render.ContainerDocument;
import io.berth.cli.render.ImageDocument;
import io.berth.cli.render.Pretty;
import io.berth.cli.session.Session;
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
    ArrayNode all = Json.mapper().createArrayNode();
    int code = each(session, names, name -> all.add(find(session, name)));
    if (all.isEmpty() && !format.isEmpty()) {
      return code;
    }
    Pretty.print(session.out(), all, format);
    return code;
  }

  /** The document about a program that {@code exec} has run. */
  static ObjectNode exec(Session session, String id) {
    return ContainerDocument.of(
        session.call(
            ContainersGrpc.getExecInspectMethod(),
            ExecInspectRequest.newBuilder().setExecId(id).build()));
  }

  private ObjectNode find(Session session, String name) {
    if (type.equals("exec")) {
      return exec(session, name);
    }
    if (!type.equals("image")) {
      try {
        Container container =
            session.call(
                ContainersGrpc.getGetMethod(),
                GetRequest.newBuilder().setRef(name).setSize(size).build());
        return ContainerDocument.of(container);
      } catch (BerthException.NotFound e) {
        if (type.equals("container")) {
          throw e;
        }
      }
    }
    try {
      return ImageDocument.of(ImageCommands.resolve(session, name));
    } catch (BerthException.NotFound | BerthException.InvalidArgument e) {
      if (type.equals("image")) {
        throw e;
      }
      throw new BerthException.NotFound("No such container or image: " + name, e);
    }
  }
}
