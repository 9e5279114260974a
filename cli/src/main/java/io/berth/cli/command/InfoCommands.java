package io.berth.cli.command;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Empty;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.KernelFeature;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.UsageResponse;
import io.berth.api.berth.network.v1.EndpointsGrpc;
import io.berth.api.containerd.services.version.v1.VersionGrpc;
import io.berth.api.containerd.services.version.v1.VersionResponse;
import io.berth.base.daemon.Program;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import io.berth.cli.render.Document;
import io.berth.cli.render.EngineDocument;
import io.berth.cli.render.Inspection;
import io.berth.cli.render.Listing;
import io.berth.cli.render.Words;
import io.berth.cli.session.Session;
import io.berth.oci.image.Platform;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The verbs that tell what the services say of themselves. */
public final class InfoCommands {
  private InfoCommands() {}

  private static void print(PrintStream out, String type, ObjectNode node, String format) {
    Inspection inspection = new Inspection(format);
    inspection.add(type, node);
    inspection.print(out);
  }

  /** Tells the versions of this program and of the service for containers. */
  @Command(description = "Versions of this program and of the services")
  public static final class Version extends SessionCommand {
    @Option(
        names = {"-f", "--format"},
        paramLabel = "json|TEMPLATE",
        description = "For programs")
    String format = "";

    @Override
    public int run(Session session) {
      PrintStream out = session.out();
      if (format.isEmpty()) {
        out.println("Client:");
        out.println(" Version:  " + Program.VERSION);
      }
      VersionResponse server =
          session.call(VersionGrpc.getVersionMethod(), Empty.getDefaultInstance());
      if (format.isEmpty()) {
        out.println();
        out.println("Server:");
        out.println(" Version:  " + server.getVersion());
        out.println(" Revision: " + server.getRevision());
        return 0;
      }
      print(
          out,
          "system.versionInfo",
          EngineDocument.version(server.getVersion(), server.getRevision()),
          format);
      return 0;
    }
  }

  /**
   * Tells about the instance: counts, folders, services, warnings. The first three lines are always
   * the same ones, for scripts that read them. A service that does not answer is named, and then
   * the exit code is 1; warnings alone leave it at 0, as docker's do.
   */
  @Command(description = "The instance: counts, folders, services, warnings")
  public static final class Info extends SessionCommand {
    @Option(
        names = {"-f", "--format"},
        paramLabel = "json|TEMPLATE",
        description = "For programs")
    String format = "";

    @Option(
        names = "--features",
        description =
            "What kernels differ in: whether this one has it, and what is done without it")
    boolean features;

    @Override
    public int run(Session session) {
      if (features) {
        features(session);
        return 0;
      }
      List<String> warnings = new ArrayList<>();
      List<String> unanswered = new ArrayList<>();
      ObjectNode node = Json.mapper().createObjectNode();
      ask(
          node,
          "containers",
          warnings,
          unanswered,
          () ->
              Document.of(
                  session.call(ContainersGrpc.getInfoMethod(), Empty.getDefaultInstance())));
      ask(
          node,
          "images",
          warnings,
          unanswered,
          () -> {
            UsageResponse usage =
                session.call(ImagesGrpc.getUsageMethod(), Empty.getDefaultInstance());
            return Document.of(usage);
          });
      ask(
          node,
          "network",
          warnings,
          unanswered,
          () ->
              Document.of(session.call(EndpointsGrpc.getInfoMethod(), Empty.getDefaultInstance())));
      ObjectNode services = node.putObject("services");
      for (String service : List.of(Session.CONTAINERD, Session.IMAGE, Session.NETWORK)) {
        services.put(service, health(session, service));
      }
      node.put("namespace", session.namespace());
      // The services run on this machine, for their sockets are files.
      node.put("os", Platform.host().os());
      node.put("architecture", Platform.host().architecture());
      node.put("kernel", System.getProperty("os.version"));
      PrintStream out = session.out();
      if (format.isEmpty()) {
        show(out, session, node);
      } else {
        EngineDocument.addInfo(node, session.config().root());
        print(out, "system.info", node, format);
      }
      PrintStream err = session.err();
      warnings.forEach(warning -> err.println("WARNING: " + warning));
      unanswered.forEach(failure -> err.println("WARNING: " + failure));
      return unanswered.isEmpty() ? 0 : 1;
    }

    private void features(Session session) {
      Listing listing =
          new Listing(
              "row",
              "{{.Name}}\t{{.Since}}\t{{.Here}}\t{{.Without}}",
              Listing.titles(
                  "Name", "FEATURE",
                  "Since", "SINCE",
                  "Here", "HERE",
                  "Without", "WITHOUT IT",
                  "Need", "NEED"));
      for (KernelFeature feature :
          session
              .call(ContainersGrpc.getListFeaturesMethod(), Empty.getDefaultInstance())
              .getFeaturesList()) {
        String here =
            switch (feature.getPresence()) {
              case YES -> "yes";
              case NO -> "no";
              case TAKEN_AWAY -> "taken away";
              case PRESENCE_UNSPECIFIED, UNRECOGNIZED -> "unknown";
            };
        listing
            .row()
            .cell("Name", feature::getName)
            .cell("Since", feature::getSince)
            .cell("Here", () -> here)
            .cell("Need", () -> feature.getNeed().name().toLowerCase(Locale.ROOT))
            .cell("Without", feature::getWithout);
      }
      listing.print(session.out(), format);
    }

    private static String health(Session session, String service) {
      try {
        return session
            .call(service, HealthGrpc.getCheckMethod(), HealthCheckRequest.getDefaultInstance())
            .getStatus()
            .name();
      } catch (BerthException e) {
        return "unavailable";
      }
    }

    private static void show(PrintStream out, Session session, ObjectNode node) {
      out.println("containers: " + node.at("/containers/containers").asText("unavailable"));
      out.println("version: " + Program.VERSION);
      out.println("images: " + node.at("/images/images").asText("unavailable"));
      for (String part : List.of("containers", "images", "network")) {
        node.path(part)
            .properties()
            .forEach(field -> {
              String key = field.getKey();
              if (key.equals(part) || key.equals("version") || key.equals("warnings")) {
                return;
              }
              String value =
                  key.endsWith("_bytes")
                      ? Words.size(field.getValue().asLong())
                      : field.getValue().asText();
              out.println(key.replace("_bytes", "").replace('_', ' ') + ": " + value);
            });
      }
      for (String key : List.of("os", "architecture", "kernel")) {
        out.println(key + ": " + node.path(key).asText());
      }
      node.path("services")
          .properties()
          .forEach(service ->
              out.println(
                  service.getKey()
                      + " service: "
                      + service.getValue().asText()
                      + " at "
                      + session.config().socket(service.getKey())));
    }

    private static void ask(
        ObjectNode node,
        String name,
        List<String> warnings,
        List<String> unanswered,
        Supplier<ObjectNode> question) {
      try {
        ObjectNode answer = question.get();
        answer.path("warnings").forEach(warning -> warnings.add(warning.asText()));
        node.set(name, answer);
      } catch (BerthException e) {
        unanswered.add(e.getMessage());
      }
    }
  }
}
