package io.berth.cli.command;

import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.berth.container.v1.PruneRequest;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.network.v1.NetworksGrpc;
import io.berth.api.berth.network.v1.PruneNetworksRequest;
import io.berth.api.berth.volume.v1.VolumesGrpc;
import io.berth.base.text.ListFilters;
import io.berth.cli.render.Words;
import io.berth.cli.session.Caller;
import io.berth.cli.session.Session;
import java.io.IOException;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The verbs that remove what is not used. Each says what will go and asks, and lists what went. */
public final class PruneCommands {
  private PruneCommands() {}

  /** What all of them share: they ask, prune, and tell the reclaimed space. */
  abstract static class Pruning extends SessionCommand {
    @Option(
        names = {"-f", "--force"},
        description = "Do not ask")
    boolean force;

    @Option(
        names = "--filter",
        paramLabel = "KEY=VALUE",
        description = "Only those: label, label! or until")
    List<String> filters = new ArrayList<>();

    /** What will go, in words that complete "This removes". */
    abstract List<String> doomed();

    /**
     * Removes what fits the filters and lists it; answers the reclaimed bytes, or -1 where none are
     * counted.
     */
    abstract long prune(Session session, List<String> wanted);

    @Override
    public final int run(Session session) {
      List<String> wanted = checked(session.caller().zone(), Instant.now());
      if (!force && !confirmed(session.caller())) {
        // The exit code is 0 as docker's: a person who said no got what was asked for.
        return 0;
      }
      long bytes = prune(session, wanted);
      if (bytes >= 0) {
        session.out().println("Total reclaimed space: " + Words.sum(bytes));
      }
      return 0;
    }

    /** The things that are removed, and the keys of filters that they have. */
    abstract Kind kind();

    /**
     * The filters as the services read them, with a time or age of the caller's turned into a
     * moment. INVALID_ARGUMENT for one that there is not: filters are checked before anybody is
     * asked.
     */
    private List<String> checked(ZoneId zone, Instant now) {
      ListFilters all = ListFilters.parse(kind().objects(), filters, kind().keys());
      Boolean dangling = all.flag("dangling");
      List<String> wanted = new ArrayList<>();
      for (String key : List.of(ListFilters.LABEL, ListFilters.NO_LABEL)) {
        all.values(key).forEach(value -> wanted.add(key + "=" + value));
      }
      if (dangling != null) {
        wanted.add("dangling=" + dangling);
      }
      Instant until = all.until(now, zone);
      if (until != null) {
        wanted.add("until=" + until);
      }
      return wanted;
    }

    private boolean confirmed(Caller caller) {
      List<String> words = doomed();
      if (words.size() == 1) {
        caller.out().println("WARNING! This removes " + words.getFirst() + ".");
      } else {
        caller.out().println("WARNING! This removes:");
        words.forEach(word -> caller.out().println("  - " + word));
      }
      if (!filters.isEmpty()) {
        caller.out().println("of these only what fits:");
        filters.forEach(filter -> caller.out().println("  - " + filter));
      }
      if (words.size() > 1 || !filters.isEmpty()) {
        caller.out().println();
      }
      caller.out().print("Do you want to go on? [y/N] ");
      caller.out().flush();
      return answer(caller).strip().equalsIgnoreCase("y");
    }

    /**
     * Reads a line byte by byte, because what follows it is for whoever reads next. At the end of
     * the input the answer is what was read until then.
     */
    private static String answer(Caller caller) {
      StringBuilder line = new StringBuilder();
      try {
        int next = caller.in().read();
        while (next >= 0 && next != '\n') {
          line.append((char) next);
          next = caller.in().read();
        }
        if (next < 0) {
          caller.out().println();
        }
        return line.toString();
      } catch (IOException e) {
        // Standard input is closed, so nobody is there who could say yes.
        caller.out().println();
        return "";
      }
    }
  }

  /**
   * A kind of things that can be removed.
   *
   * @param objects their name
   * @param keys of the filters that they have
   */
  record Kind(String objects, List<String> keys) {
    static final Kind CONTAINERS = new Kind("containers", List.of("label", "label!", "until"));
    static final Kind NETWORKS = new Kind("networks", List.of("label", "label!", "until"));
    static final Kind VOLUMES = new Kind("volumes", List.of("label", "label!"));
    static final Kind IMAGES = new Kind("images", List.of("label", "label!", "until", "dangling"));
    static final Kind ANYTHING = new Kind("these", List.of("label", "label!", "until"));
    static final Kind WITH_VOLUMES = new Kind("these with volumes", List.of("label", "label!"));
  }

  private static void tell(Session session, String what, List<String> gone) {
    if (!gone.isEmpty()) {
      session.out().println("Deleted " + what + ":");
      gone.forEach(session.out()::println);
      session.out().println();
    }
  }

  private static long containers(Session session, List<String> wanted) {
    var gone =
        session.call(
            ContainersGrpc.getPruneMethod(),
            PruneRequest.newBuilder().addAllFilters(wanted).build());
    tell(session, "Containers", gone.getIdsList());
    return gone.getBytes();
  }

  private static long images(Session session, boolean all, List<String> wanted) {
    var request =
        io.berth.api.berth.image.v1.PruneRequest.newBuilder()
            .setAll(all)
            .addAllFilters(wanted)
            .build();
    var gone = session.call(ImagesGrpc.getPruneMethod(), request);
    tell(session, "Images", gone.getDeletedList());
    return gone.getBytes();
  }

  private static long volumes(Session session, boolean all, List<String> wanted) {
    var request =
        io.berth.api.berth.volume.v1.PruneRequest.newBuilder()
            .setAll(all)
            .addAllFilters(wanted)
            .build();
    var gone = session.call(VolumesGrpc.getPruneMethod(), request);
    tell(session, "Volumes", gone.getNamesList());
    return gone.getBytes();
  }

  /** Removes networks that no endpoint is on and that no container of this namespace names. */
  private static void networks(Session session, List<String> wanted) {
    PruneNetworksRequest.Builder request = PruneNetworksRequest.newBuilder().addAllFilters(wanted);
    session
        .call(ContainersGrpc.getListMethod(), ListRequest.newBuilder().setAll(true).build())
        .getContainersList()
        .forEach(container -> request.addKept(container.getNetwork().getMode()));
    var gone = session.call(NetworksGrpc.getPruneMethod(), request.build());
    tell(session, "Networks", gone.getNamesList());
  }

  /** Removes containers that do not run. */
  @Command(description = "Remove all containers that do not run")
  public static final class Containers extends Pruning {
    @Override
    Kind kind() {
      return Kind.CONTAINERS;
    }

    @Override
    List<String> doomed() {
      return List.of("all containers that do not run");
    }

    @Override
    long prune(Session session, List<String> wanted) {
      return containers(session, wanted);
    }
  }

  /** Removes images without a name, or all that no container uses. */
  @Command(description = "Remove images without a name")
  public static final class Images extends Pruning {
    @Option(
        names = {"-a", "--all"},
        description = "All that no container uses")
    boolean all;

    @Override
    Kind kind() {
      return Kind.IMAGES;
    }

    @Override
    List<String> doomed() {
      return List.of(images(all));
    }

    static String images(boolean all) {
      return all ? "all images that no container uses" : "all images without a name";
    }

    @Override
    long prune(Session session, List<String> wanted) {
      return PruneCommands.images(session, all, wanted);
    }
  }

  /** Removes volumes that no container uses. */
  @Command(description = "Remove volumes that no container uses")
  public static final class Volumes extends Pruning {
    @Option(
        names = {"-a", "--all"},
        description = "Named ones as well")
    boolean all;

    @Override
    Kind kind() {
      return Kind.VOLUMES;
    }

    @Override
    List<String> doomed() {
      return List.of((all ? "all" : "all anonymous") + " volumes that no container uses");
    }

    @Override
    long prune(Session session, List<String> wanted) {
      return volumes(session, all, wanted);
    }
  }

  /** Removes networks that no container uses. */
  @Command(description = "Remove networks that no container uses")
  public static final class Networks extends Pruning {
    @Override
    Kind kind() {
      return Kind.NETWORKS;
    }

    @Override
    List<String> doomed() {
      return List.of("all networks of your own that no container uses");
    }

    @Override
    long prune(Session session, List<String> wanted) {
      networks(session, wanted);
      return -1;
    }
  }

  /** Removes all of these at once. */
  @Command(description = "Remove stopped containers and what nobody uses")
  public static final class Everything extends Pruning {
    @Option(
        names = {"-a", "--all"},
        description = "All images that no container uses")
    boolean all;

    @Option(names = "--volumes", description = "Anonymous volumes as well")
    boolean volumes;

    @Override
    Kind kind() {
      return volumes ? Kind.WITH_VOLUMES : Kind.ANYTHING;
    }

    @Override
    List<String> doomed() {
      List<String> words = new ArrayList<>();
      words.add("all containers that do not run");
      words.add("all networks that no container uses");
      if (volumes) {
        words.add("all anonymous volumes that no container uses");
      }
      words.add(Images.images(all));
      return words;
    }

    @Override
    long prune(Session session, List<String> wanted) {
      long bytes = containers(session, wanted);
      networks(session, wanted);
      if (volumes) {
        bytes += volumes(session, /* all= */ false, wanted);
      }
      return bytes + images(session, all, wanted);
    }
  }
}
