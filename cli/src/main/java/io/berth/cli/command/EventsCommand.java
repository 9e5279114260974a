package io.berth.cli.command;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.berth.event.v1.EngineEvent;
import io.berth.api.berth.event.v1.EngineEventsGrpc;
import io.berth.api.berth.event.v1.WatchRequest;
import io.berth.base.json.Json;
import io.berth.base.rpc.Timestamps;
import io.berth.base.text.Moment;
import io.berth.cli.session.Session;
import io.berth.cli.template.Template;
import java.io.PrintStream;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Prints what happens to containers and what they use, as docker does, until the command is ended,
 * its reader has gone, or the moment of {@code --until} has come.
 */
@Command(
    description = "What happens, in docker's words",
    footer = "Filters: container, event, image, label, network, scope, type, volume, daemon")
public final class EventsCommand extends SessionCommand {
  /** Nine digits always, as docker writes moments of events. */
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSSSSSXXX", Locale.ROOT);

  @Option(
      names = {"-f", "--filter"},
      paramLabel = "KEY=VALUE",
      description = "Only those")
  List<String> filters = new ArrayList<>();

  @Option(names = "--format", paramLabel = "json|TEMPLATE", description = "A line each")
  String format = "";

  @Option(
      names = "--since",
      paramLabel = "TIME",
      description = "Also those since then, of the last 256: RFC 3339, or an age such as 10m")
  String since = "";

  @Option(names = "--until", paramLabel = "TIME", description = "End there")
  String until = "";

  @Override
  public int run(Session session) {
    @Nullable Template template =
        switch (format) {
          case "" -> null;
          case "json" -> Template.parse("{{json .}}");
          default -> Template.parse(format);
        };
    Instant now = Instant.now();
    ZoneId zone = session.caller().zone();
    WatchRequest.Builder request = WatchRequest.newBuilder().addAllFilters(filters);
    if (!since.isEmpty()) {
      request.setSince(Timestamps.of(Moment.parse("--since", since, now, zone)));
    }
    if (!until.isEmpty()) {
      request.setUntil(Timestamps.of(Moment.parse("--until", until, now, zone)));
    }
    return session.stream(
        EngineEventsGrpc.getWatchMethod(),
        request.build(),
        events -> {
          PrintStream out = session.out();
          while (events.hasNext() && !out.checkError()) {
            EngineEvent event = events.next();
            out.println(
                template == null
                    ? line(event, zone)
                    : template.apply("events.Message", document(event)));
            out.flush();
          }
          return 0;
        });
  }

  private static String line(EngineEvent event, ZoneId zone) {
    String attributes =
        new TreeMap<>(event.getAttributesMap())
            .entrySet().stream()
                .map(entry -> entry.getKey() + "=" + entry.getValue())
                .collect(Collectors.joining(", ", " (", ")"));
    return TIME.format(Timestamps.instant(event.getAt()).atZone(zone))
        + " "
        + event.getType()
        + " "
        + event.getAction()
        + " "
        + event.getActorId()
        + (event.getAttributesCount() == 0 ? "" : attributes);
  }

  private static ObjectNode document(EngineEvent event) {
    ObjectNode node = Json.mapper().createObjectNode();
    if (event.getType().equals("container") || event.getType().equals("image")) {
      // Words of docker's first clients, which newer ones still show.
      node.put("status", event.getAction());
      node.put("id", event.getActorId());
      String image = event.getAttributesOrDefault("image", "");
      if (!image.isEmpty()) {
        node.put("from", image);
      }
    }
    node.put("Type", event.getType());
    node.put("Action", event.getAction());
    ObjectNode actor = node.putObject("Actor").put("ID", event.getActorId());
    ObjectNode attributes = actor.putObject("Attributes");
    new TreeMap<>(event.getAttributesMap()).forEach(attributes::put);
    Instant at = Timestamps.instant(event.getAt());
    node.put("scope", "local");
    node.put("time", at.getEpochSecond());
    node.put("timeNano", at.getEpochSecond() * 1_000_000_000L + at.getNano());
    return node;
  }
}
