package io.berth.cli.containerd;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import io.berth.api.containerd.services.events.v1.EventsGrpc;
import io.berth.api.containerd.services.events.v1.SubscribeRequest;
import io.berth.api.containerd.types.Envelope;
import io.berth.base.json.Json;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.render.Document;
import io.berth.cli.render.Words;
import io.berth.cli.session.Session;
import io.berth.cli.template.DocumentTypes;
import io.berth.cli.template.Template;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prints containerd's events from now on, until the command is ended or its reader has gone. */
@Command(description = "containerd's events, from now on")
public final class EnvelopesCommand extends SessionCommand {
  private static final Pattern TYPE =
      Pattern.compile("(containerd\\.events|berth\\.container\\.v1)\\.[A-Za-z]+");

  @Option(
      names = {"-f", "--filter"},
      paramLabel = "FILTER",
      description = "e.g. topic==/tasks/exit")
  List<String> options = new ArrayList<>();

  @Option(names = "--format", paramLabel = "json|TEMPLATE", description = "A line each")
  String format = "";

  @Parameters(arity = "0..*", paramLabel = "FILTER", description = "The same")
  List<String> filters = new ArrayList<>();

  @Override
  public int run(Session session) {
    @Nullable Template template =
        switch (format) {
          case "", "json" -> null;
          default -> Template.parse(format);
        };
    SubscribeRequest request =
        SubscribeRequest.newBuilder().addAllFilters(options).addAllFilters(filters).build();
    return session.stream(
        EventsGrpc.getSubscribeMethod(),
        request,
        events -> {
          PrintStream out = session.out();
          while (events.hasNext() && !out.checkError()) {
            out.println(line(template, events.next()));
            out.flush();
          }
          return 0;
        });
  }

  private String line(@Nullable Template template, Envelope envelope) {
    JsonNode event = event(envelope.getEvent());
    String at = Words.nanos(envelope.getTimestamp());
    if (format.isEmpty()) {
      String body = new String(Json.bytes(event), StandardCharsets.UTF_8);
      return at + " " + envelope.getNamespace() + " " + envelope.getTopic() + " " + body;
    }
    ObjectNode node = Json.mapper().createObjectNode();
    node.put("timestamp", at);
    node.put("namespace", envelope.getNamespace());
    node.put("topic", envelope.getTopic());
    node.set("event", event);
    return template == null
        ? new String(Json.bytes(node), StandardCharsets.UTF_8)
        : template.apply(DocumentTypes.UNTYPED, node);
  }

  /**
   * An event as a document: of containerd's own types and ours all fields, of others the type
   * alone.
   */
  private static JsonNode event(Any any) {
    String type = any.getTypeUrl().substring(any.getTypeUrl().lastIndexOf('/') + 1);
    ObjectNode unknown = Json.mapper().createObjectNode().put("type", type);
    if (!TYPE.matcher(type).matches()) {
      return unknown;
    }
    try {
      Class<?> message = Class.forName("io.berth.api." + type);
      Object parser = message.getMethod("parser").invoke(null);
      return parser instanceof Parser<?> known
              && known.parseFrom(any.getValue()) instanceof Message parsed
          ? Document.of(parsed)
          : unknown;
    } catch (ReflectiveOperationException | InvalidProtocolBufferException e) {
      return unknown;
    }
  }
}
